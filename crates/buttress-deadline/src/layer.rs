use std::time::Duration;

use buttress_core::{ConfigError, Mode, Name, Striped};
use tower_layer::Layer;

use crate::limits::Limits;
use crate::shared::Shared;
use crate::side::{Client, Local, Server};
use crate::{ClientDeadlineConfig, DeadlineConfig, DeadlineService};

/// Ends the calls of a service at their deadline.
///
/// Its only state is its signals, which all services of a layer and of its clones share. See the [crate docs](crate).
#[derive(Debug, Clone)]
pub struct DeadlineLayer<P = Local> {
    side: P,
    shared: Striped<Shared>,
}

impl DeadlineLayer {
    /// For any service: uses the earlier of the task's deadline and the configured timeout.
    ///
    /// # Panics
    ///
    /// If [`DeadlineConfig::check`] rejects the configuration; the message names the field, its value and its bound.
    /// Use [`try_new`](Self::try_new) for configurations that are not written in the code.
    #[must_use]
    pub fn new(config: DeadlineConfig) -> Self {
        checked(Self::try_new(config))
    }

    /// Like [`new`](Self::new), but returns an error if the configuration is invalid.
    ///
    /// # Errors
    ///
    /// If [`DeadlineConfig::check`] rejects the configuration.
    pub fn try_new(config: DeadlineConfig) -> Result<Self, ConfigError> {
        config.check()?;
        let side = Local { rule: config.rule };
        Ok(Self::with(
            side,
            config.mode,
            config.limits,
            config.ready_within(),
        ))
    }
}

impl DeadlineLayer<Server> {
    /// For an HTTP or gRPC server: uses the earliest of the deadlines of the request's headers and of the task, and
    /// the configured timeout.
    ///
    /// # Panics
    ///
    /// If [`DeadlineConfig::check`] rejects the configuration; the message names the field, its value and its bound.
    /// Use [`try_server`](Self::try_server) for configurations that are not written in the code.
    #[must_use]
    pub fn server(config: DeadlineConfig) -> Self {
        checked(Self::try_server(config))
    }

    /// Like [`server`](Self::server), but returns an error if the configuration is invalid.
    ///
    /// # Errors
    ///
    /// If [`DeadlineConfig::check`] rejects the configuration.
    pub fn try_server(config: DeadlineConfig) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self::with(
            Server { config },
            config.mode,
            config.limits,
            config.ready_within(),
        ))
    }
}

impl DeadlineLayer<Client> {
    /// For an HTTP or gRPC client, with the defaults: a call has the deadline of its caller, and sends it on.
    #[must_use]
    pub fn client() -> Self {
        Self::client_with(ClientDeadlineConfig::default())
    }

    /// For an HTTP or gRPC client: uses the earliest of the deadlines of the request and of the task, and the
    /// configured timeout, and writes it to the request.
    ///
    /// # Panics
    ///
    /// If [`ClientDeadlineConfig::check`] rejects the configuration; the message names the field, its value and its
    /// bound. Use [`try_client_with`](Self::try_client_with) for configurations that are not written in the code.
    #[must_use]
    pub fn client_with(config: ClientDeadlineConfig) -> Self {
        checked(Self::try_client_with(config))
    }

    /// Like [`client_with`](Self::client_with), but returns an error if the configuration is invalid.
    ///
    /// # Errors
    ///
    /// If [`ClientDeadlineConfig::check`] rejects the configuration.
    pub fn try_client_with(config: ClientDeadlineConfig) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self::with(
            Client { config },
            config.mode,
            config.limits,
            config.ready_within(),
        ))
    }
}

impl<P> DeadlineLayer<P> {
    fn with(side: P, mode: Mode, limits: Limits, ready_within: Option<Duration>) -> Self {
        let shared = Shared::new("deadline".into(), mode, limits, ready_within);
        Self {
            side,
            shared: Striped::new(shared),
        }
    }

    /// Sets the label of the layer in metrics, events and rejections. The default is `deadline`.
    #[must_use]
    pub fn named(self, name: impl Into<Name>) -> Self {
        let Shared {
            mode,
            limits,
            ready_within,
            ..
        } = *self.shared;
        let shared = Shared::new(name.into(), mode, limits, ready_within);
        Self {
            side: self.side,
            shared: Striped::new(shared),
        }
    }
}

impl<P> DeadlineLayer<P> {
    pub(crate) fn parts(&self) -> (&P, &Striped<Shared>) {
        self.shared.signals.register();
        (&self.side, &self.shared)
    }
}

impl<S, P: Clone> Layer<S> for DeadlineLayer<P> {
    type Service = DeadlineService<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        let (side, shared) = self.parts();
        DeadlineService::new(inner, side.clone(), shared.clone())
    }
}

fn checked<L>(layer: Result<L, ConfigError>) -> L {
    match layer {
        Ok(layer) => layer,
        Err(error) => panic!("{error}"),
    }
}
