use std::task::{Context, Poll};

use buttress_bulkhead::{Bulkhead, BulkheadLayer, BulkheadService, ByPath};
use buttress_core::{ConfigError, Name, Striped};
use buttress_deadline::{DeadlineConfig, DeadlineLayer, DeadlineService, Deadlines, Server};
use buttress_problem::{ProblemConfig, ProblemLayer, ProblemService, Problems};
use buttress_shed::{ShedLayer, ShedService, Shedder};
use tower_layer::Layer;
use tower_service::Service;

use super::bulkhead::BulkheadSettings;
use super::live::Live;
use super::maybe::MaybeService;
use super::shed::ShedSettings;

/// The settings of a server in a file.
#[derive(Debug, Clone)]
pub(super) struct ServerSettings {
    pub(super) problem: ProblemConfig,
    pub(super) deadline: Option<DeadlineConfig>,
    pub(super) shed: Option<ShedSettings>,
    pub(super) bulkhead: Option<BulkheadSettings>,
}

impl ServerSettings {
    /// The optional layers of a server, and whether this one has them.
    pub(super) fn patterns(&self) -> [(&'static str, bool); 3] {
        [
            ("deadline", self.deadline.is_some()),
            ("shed", self.shed.is_some()),
            ("bulkhead", self.bulkhead.is_some()),
        ]
    }

    /// Whether a stack with one of the settings can be reconfigured to the other.
    pub(super) fn is_alike(&self, other: &Self) -> bool {
        let shed = self.shed.as_ref().zip(other.shed.as_ref());
        self.patterns() == other.patterns()
            && shed.is_none_or(|(one, other)| one.counts_alike(other))
    }
}

/// The layers of a server, outermost first: problem, deadline, shed, bulkhead.
///
/// Created by [`Resilience::server`](crate::Resilience::server). Clones share their state.
#[derive(Debug, Clone)]
pub struct ServerStack {
    name: Name,
    layers: Striped<Live<Replaceable>>,
    problems: Problems,
    deadlines: Option<Deadlines>,
    shedder: Option<Shedder>,
    bulkhead: Option<Bulkhead>,
}

/// The layers without a handle, which are replaced on reload.
#[derive(Debug, Clone)]
struct Replaceable {
    shed: Option<ShedLayer<buttress_shed::Server>>,
    bulkhead: Option<BulkheadLayer<ByPath>>,
}

impl ServerStack {
    pub(super) fn new(name: Name, settings: &ServerSettings) -> Result<Self, ConfigError> {
        let deadlines = settings.deadline;
        let deadlines = deadlines
            .map(|config| Deadlines::try_new(name.clone(), config))
            .transpose()?;
        let shed = settings.shed.clone();
        let shedder = shed
            .map(|settings| Shedder::try_new(name.clone(), settings.config))
            .transpose()?;
        let bulkhead = settings.bulkhead.as_ref();
        let bulkhead = bulkhead
            .map(|settings| Bulkhead::try_new(name.clone(), settings.config.clone()))
            .transpose()?;
        let layers = Replaceable::new(settings, shedder.as_ref(), bulkhead.as_ref());
        Ok(Self {
            layers: Striped::new(Live::new(layers)),
            problems: Problems::new(settings.problem.clone()),
            deadlines,
            shedder,
            bulkhead,
            name,
        })
    }

    /// Returns its name in the file.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Wraps a service with the stack.
    #[must_use]
    pub fn service<S>(&self, inner: S) -> ServerService<S> {
        self.layer(inner)
    }

    /// Returns its problems.
    #[must_use]
    pub fn problems(&self) -> &Problems {
        &self.problems
    }

    /// Returns its deadlines, if the file has some.
    #[must_use]
    pub fn deadlines(&self) -> Option<&Deadlines> {
        self.deadlines.as_ref()
    }

    /// Returns its shedder, if the file has one.
    #[must_use]
    pub fn shedder(&self) -> Option<&Shedder> {
        self.shedder.as_ref()
    }

    /// Returns its bulkhead, if the file has one.
    #[must_use]
    pub fn bulkhead(&self) -> Option<&Bulkhead> {
        self.bulkhead.as_ref()
    }

    /// Whether there is another clone of the stack, or a service of it.
    pub(super) fn is_in_use(&self) -> bool {
        self.layers.is_shared()
    }

    pub(super) fn apply(&self, settings: &ServerSettings) -> Result<(), ConfigError> {
        let (shedder, bulkhead) = (self.shedder.as_ref(), self.bulkhead.as_ref());
        let layers = Replaceable::new(settings, shedder, bulkhead);
        if let (Some(deadlines), Some(config)) = (&self.deadlines, settings.deadline) {
            deadlines.reconfigure(config)?;
        }
        if let (Some(shedder), Some(settings)) = (&self.shedder, &settings.shed) {
            shedder.reconfigure(settings.config.clone())?;
        }
        if let (Some(bulkhead), Some(settings)) = (&self.bulkhead, &settings.bulkhead) {
            bulkhead.reconfigure(settings.config.clone())?;
        }
        self.problems.reconfigure(settings.problem.clone());
        self.layers.replace(layers);
        Ok(())
    }
}

impl Replaceable {
    fn new(
        settings: &ServerSettings,
        shedder: Option<&Shedder>,
        bulkhead: Option<&Bulkhead>,
    ) -> Self {
        Self {
            shed: shedder
                .zip(settings.shed.as_ref())
                .map(|(shedder, settings)| settings.server_layer(shedder)),
            bulkhead: bulkhead
                .zip(settings.bulkhead.as_ref())
                .map(|(bulkhead, settings)| settings.layer(bulkhead).by_path()),
        }
    }
}

impl<S> Layer<S> for ServerStack {
    type Service = ServerService<S>;

    fn layer(&self, inner: S) -> ServerService<S> {
        let (layers, edition) = self.layers.read();
        let deadline = self.deadlines.as_ref().map(DeadlineLayer::server);
        let inner = MaybeService::new(layers.bulkhead.as_ref(), inner);
        let inner = MaybeService::new(layers.shed.as_ref(), inner);
        let inner = MaybeService::new(deadline.as_ref(), inner);
        ServerService {
            inner: ProblemLayer::new(&self.problems).layer(inner),
            layers: self.layers.clone(),
            edition,
        }
    }
}

/// A service with a [`ServerStack`]. Its error is `Infallible`: every failure becomes a problem response.
#[derive(Debug, Clone)]
pub struct ServerService<S> {
    inner: Stacked<S>,
    layers: Striped<Live<Replaceable>>,
    edition: u64,
}

type Stacked<S> = ProblemService<WithDeadline<WithShed<WithBulkhead<S>>>>;
type WithDeadline<S> = MaybeService<DeadlineService<S, Server>, S>;
type WithShed<S> = MaybeService<ShedService<S, buttress_shed::Server>, S>;
type WithBulkhead<S> = MaybeService<BulkheadService<S, ByPath>, S>;

impl<S> ServerService<S> {
    /// Updates the configuration after a reload.
    #[cold]
    fn catch_up(&mut self) {
        let (layers, edition) = self.layers.read();
        self.edition = edition;
        let inner = match self.inner.get_mut() {
            MaybeService::With(service) => service.get_mut(),
            MaybeService::Without(inner) => inner,
        };
        let inner = match inner {
            MaybeService::With(service) => {
                layers.shed.iter().for_each(|layer| service.adopt(layer));
                service.get_mut()
            }
            MaybeService::Without(inner) => inner,
        };
        if let (Some(layer), MaybeService::With(service)) = (&layers.bulkhead, inner) {
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
