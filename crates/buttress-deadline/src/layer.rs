use tower_layer::Layer;

use crate::side::{Client, Kind, Local, Server};
use crate::{ClientDeadlineConfig, DeadlineService, Deadlines};

/// Applies [`Deadlines`] to a service.
///
/// All services of all layers of one handle share its configuration and its signals, however often `layer` is called.
/// See the [crate docs](crate).
#[derive(Debug, Clone)]
pub struct DeadlineLayer<P = Local> {
    side: P,
}

impl DeadlineLayer {
    /// For any service: uses the earlier of the task's deadline and the configured timeout.
    #[must_use]
    pub fn new(deadlines: &Deadlines) -> Self {
        let side = Local::new(deadlines);
        Self { side }
    }
}

impl DeadlineLayer<Server> {
    /// For an HTTP or gRPC server: uses the earliest of the deadlines of the request's headers and of the task, and
    /// the configured timeout.
    #[must_use]
    pub fn server(deadlines: &Deadlines) -> Self {
        let side = Server::new(deadlines);
        Self { side }
    }
}

impl DeadlineLayer<Client> {
    /// For an HTTP or gRPC client: uses the earliest of the deadlines of the request and of the task, and the
    /// configured timeout, and writes it to the request.
    #[must_use]
    pub fn client(deadlines: &Deadlines<ClientDeadlineConfig>) -> Self {
        let side = Client::new(deadlines);
        Self { side }
    }
}

impl<S, P: Kind> Layer<S> for DeadlineLayer<P> {
    type Service = DeadlineService<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        self.side.current().deadlines().register();
        DeadlineService::new(inner, self.side.clone())
    }
}
