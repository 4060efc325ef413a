use std::task::{Context, Poll};

use buttress_core::{ConfigError, Name, Striped};
use buttress_deadline::{DeadlineConfig, DeadlineLayer, DeadlineService, Server};
use buttress_problem::{ProblemConfig, ProblemLayer, ProblemService};
use tower_layer::Layer;
use tower_service::Service;

use super::live::Live;
use super::maybe::MaybeService;

/// What stands in a file about a server.
#[derive(Debug, Clone)]
pub(super) struct ServerSettings {
    pub(super) problem: ProblemConfig,
    pub(super) deadline: Option<DeadlineConfig>,
}

impl ServerSettings {
    /// The layers that a server may have or not, and whether this one has them.
    pub(super) fn patterns(&self) -> [(&'static str, bool); 1] {
        [("deadline", self.deadline.is_some())]
    }
}

/// The layers of a server, outermost first: problem, deadline.
///
/// Made by [`Resilience::server`](crate::Resilience::server). A clone is the same stack.
#[derive(Debug, Clone)]
pub struct ServerStack {
    name: Name,
    layers: Striped<Live<Replaceable>>,
}

/// The layers that have no handle to tell a new configuration.
#[derive(Debug, Clone)]
struct Replaceable {
    problem: ProblemLayer,
    deadline: Option<DeadlineLayer<Server>>,
}

impl ServerStack {
    pub(super) fn new(name: Name, settings: &ServerSettings) -> Result<Self, ConfigError> {
        let layers = Replaceable::new(&name, settings)?;
        Ok(Self {
            name,
            layers: Striped::new(Live::new(layers)),
        })
    }

    /// The name it has in the file.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Puts the stack around a service.
    #[must_use]
    pub fn service<S>(&self, inner: S) -> ServerService<S> {
        self.layer(inner)
    }

    pub(super) fn apply(&self, settings: &ServerSettings) -> Result<(), ConfigError> {
        self.layers.replace(Replaceable::new(&self.name, settings)?);
        Ok(())
    }
}

impl Replaceable {
    fn new(name: &Name, settings: &ServerSettings) -> Result<Self, ConfigError> {
        let deadline = settings
            .deadline
            .map(DeadlineLayer::try_server)
            .transpose()?;
        Ok(Self {
            problem: ProblemLayer::with_config(settings.problem.clone()),
            deadline: deadline.map(|layer| layer.named(name.clone())),
        })
    }
}

impl<S> Layer<S> for ServerStack {
    type Service = ServerService<S>;

    fn layer(&self, inner: S) -> ServerService<S> {
        let (layers, edition) = self.layers.read();
        let inner = MaybeService::new(layers.deadline.as_ref(), inner);
        ServerService {
            inner: layers.problem.layer(inner),
            layers: self.layers.clone(),
            edition,
        }
    }
}

/// A service behind a [`ServerStack`]. Its error is `Infallible`: whatever fails is answered with a problem.
#[derive(Debug, Clone)]
pub struct ServerService<S> {
    inner: Stacked<S>,
    layers: Striped<Live<Replaceable>>,
    edition: u64,
}

type Stacked<S> = ProblemService<MaybeService<DeadlineService<S, Server>, S>>;

impl<S> ServerService<S> {
    /// Goes by what was reloaded since.
    #[cold]
    fn catch_up(&mut self) {
        let (layers, edition) = self.layers.read();
        self.edition = edition;
        self.inner.adopt(&layers.problem);
        if let (Some(layer), MaybeService::With(service)) = (&layers.deadline, self.inner.get_mut())
        {
            service.adopt(layer);
        }
    }
}

impl<S, Req> Service<Req> for ServerService<S>
where
    Stacked<S>: Service<Req>,
{
    type Response = <Stacked<S> as Service<Req>>::Response;
    type Error = <Stacked<S> as Service<Req>>::Error;
    type Future = <Stacked<S> as Service<Req>>::Future;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if self.layers.edition() != self.edition {
            self.catch_up();
        }
        self.inner.poll_ready(cx)
    }

    #[inline(always)]
    fn call(&mut self, request: Req) -> Self::Future {
        self.inner.call(request)
    }
}
