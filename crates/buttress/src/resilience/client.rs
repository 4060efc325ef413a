use std::task::{Context, Poll};

use buttress_breaker::{Breaker, BreakerLayer, BreakerService};
use buttress_bulkhead::{Bulkhead, BulkheadLayer, BulkheadService};
use buttress_core::{ConfigError, Name, Striped};
use buttress_deadline::{Client, ClientDeadlineConfig, DeadlineLayer, DeadlineService, Deadlines};
use buttress_http::Http;
use buttress_retry::{HttpRetry, Retry, RetryConfig, RetryLayer, RetryService};
use buttress_shed::{ShedLayer, ShedService, Shedder};
use tower_layer::Layer;
use tower_service::Service;

use super::breaker::BreakerSettings;
use super::bulkhead::BulkheadSettings;
use super::live::Live;
use super::maybe::MaybeService;
use super::shed::ShedSettings;

/// The settings of a client in a file.
#[derive(Debug, Clone)]
pub(super) struct ClientSettings {
    pub(super) deadline: Option<ClientDeadlineConfig>,
    pub(super) retry: Option<RetryConfig>,
    pub(super) shed: Option<ShedSettings>,
    pub(super) breaker: Option<BreakerSettings>,
    pub(super) bulkhead: Option<BulkheadSettings>,
}

impl ClientSettings {
    /// The optional layers of a client, and whether this one has them.
    pub(super) fn patterns(&self) -> [(&'static str, bool); 5] {
        [
            ("deadline", self.deadline.is_some()),
            ("retry", self.retry.is_some()),
            ("shed", self.shed.is_some()),
            ("breaker", self.breaker.is_some()),
            ("bulkhead", self.bulkhead.is_some()),
        ]
    }

    /// Whether a stack with one of the settings can be reconfigured to the other.
    pub(super) fn is_alike(&self, other: &Self) -> bool {
        self.patterns() == other.patterns()
    }
}

/// The layers of a client, outermost first: deadline, retry, shed, breaker, bulkhead.
///
/// The shedder admits each attempt, because each is load for the dependency. It is outside the breaker, so that the
/// time in its queue is not the dependency's latency, and a call that waited is rejected if the circuit has opened in
/// the meantime. Calls that an open circuit rejects were not sent: neither throttle nor limit counts them.
///
/// Created by [`Resilience::client`](crate::Resilience::client). Clones share their state.
#[derive(Debug, Clone)]
pub struct ClientStack {
    name: Name,
    layers: Striped<Live<Replaceable>>,
    deadlines: Option<Deadlines<ClientDeadlineConfig>>,
    retry: Option<Retry>,
    shedder: Option<Shedder>,
    breaker: Option<Breaker>,
    bulkhead: Option<Bulkhead>,
}

/// The layers without a handle, which are replaced on reload.
#[derive(Debug, Clone)]
struct Replaceable {
    shed: Option<ShedLayer<buttress_shed::Client>>,
    breaker: Option<BreakerLayer<Http>>,
    bulkhead: Option<BulkheadLayer<Http>>,
}

impl ClientStack {
    pub(super) fn new(name: Name, settings: &ClientSettings) -> Result<Self, ConfigError> {
        let deadlines = settings.deadline;
        let deadlines = deadlines
            .map(|config| Deadlines::try_new(name.clone(), config))
            .transpose()?;
        let shed = settings.shed.clone();
        let shedder = shed
            .map(|settings| Shedder::try_new(name.clone(), settings.config))
            .transpose()?;
        let breaker = settings.breaker.as_ref();
        let breaker = breaker
            .map(|settings| Breaker::try_new(name.clone(), settings.config.clone()))
            .transpose()?;
        let bulkhead = settings.bulkhead.as_ref();
        let bulkhead = bulkhead
            .map(|settings| Bulkhead::try_new(name.clone(), settings.config.clone()))
            .transpose()?;
        let layers = Replaceable::new(
            settings,
            shedder.as_ref(),
            breaker.as_ref(),
            bulkhead.as_ref(),
        );
        let retry = settings.retry.clone();
        Ok(Self {
            layers: Striped::new(Live::new(layers)),
            deadlines,
            shedder,
            retry: retry
                .map(|config| Retry::try_new(name.clone(), config))
                .transpose()?,
            breaker,
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
    pub fn service<S>(&self, inner: S) -> ClientService<S> {
        self.layer(inner)
    }

    /// Returns its deadlines, if the file has some.
    #[must_use]
    pub fn deadlines(&self) -> Option<&Deadlines<ClientDeadlineConfig>> {
        self.deadlines.as_ref()
    }

    /// Returns its retry, if the file has one.
    #[must_use]
    pub fn retry(&self) -> Option<&Retry> {
        self.retry.as_ref()
    }

    /// Returns its shedder, if the file has one, or a throttle.
    #[must_use]
    pub fn shedder(&self) -> Option<&Shedder> {
        self.shedder.as_ref()
    }

    /// Returns its breaker, if the file has one.
    #[must_use]
    pub fn breaker(&self) -> Option<&Breaker> {
        self.breaker.as_ref()
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

    pub(super) fn apply(&self, settings: &ClientSettings) -> Result<(), ConfigError> {
        let (shedder, breaker) = (self.shedder.as_ref(), self.breaker.as_ref());
        let bulkhead = self.bulkhead.as_ref();
        let layers = Replaceable::new(settings, shedder, breaker, bulkhead);
        if let (Some(deadlines), Some(config)) = (&self.deadlines, settings.deadline) {
            deadlines.reconfigure(config)?;
        }
        if let (Some(retry), Some(config)) = (&self.retry, &settings.retry) {
            retry.reconfigure(config.clone())?;
        }
        if let (Some(shedder), Some(settings)) = (&self.shedder, &settings.shed) {
            shedder.reconfigure(settings.config.clone())?;
        }
        if let (Some(breaker), Some(settings)) = (&self.breaker, &settings.breaker) {
            breaker.reconfigure(settings.config.clone())?;
        }
        if let (Some(bulkhead), Some(settings)) = (&self.bulkhead, &settings.bulkhead) {
            bulkhead.reconfigure(settings.config.clone())?;
        }
        self.layers.replace(layers);
        Ok(())
    }
}

impl Replaceable {
    fn new(
        settings: &ClientSettings,
        shedder: Option<&Shedder>,
        breaker: Option<&Breaker>,
        bulkhead: Option<&Bulkhead>,
    ) -> Self {
        Self {
            shed: shedder
                .zip(settings.shed.as_ref())
                .map(|(shedder, settings)| settings.client_layer(shedder)),
            breaker: breaker
                .zip(settings.breaker.as_ref())
                .map(|(breaker, settings)| settings.layer(breaker)),
            bulkhead: bulkhead
                .zip(settings.bulkhead.as_ref())
                .map(|(bulkhead, settings)| settings.layer(bulkhead)),
        }
    }
}

impl<S> Layer<S> for ClientStack {
    type Service = ClientService<S>;

    fn layer(&self, inner: S) -> ClientService<S> {
        let (layers, edition) = self.layers.read();
        let deadline = self.deadlines.as_ref().map(DeadlineLayer::client);
        let retry = self.retry.as_ref().map(RetryLayer::client);
        let inner = MaybeService::new(layers.bulkhead.as_ref(), inner);
        let inner = MaybeService::new(layers.breaker.as_ref(), inner);
        let inner = MaybeService::new(layers.shed.as_ref(), inner);
        let inner = MaybeService::new(retry.as_ref(), inner);
        ClientService {
            inner: MaybeService::new(deadline.as_ref(), inner),
            layers: self.layers.clone(),
            edition,
        }
    }
}

/// A service with a [`ClientStack`].
#[derive(Debug, Clone)]
pub struct ClientService<S> {
    inner: Stacked<S>,
    layers: Striped<Live<Replaceable>>,
    edition: u64,
}

type Stacked<S> = WithDeadline<WithRetry<WithShed<WithBreaker<WithBulkhead<S>>>>>;
type WithDeadline<S> = MaybeService<DeadlineService<S, Client>, S>;
type WithRetry<S> = MaybeService<RetryService<S, HttpRetry>, S>;
type WithShed<S> = MaybeService<ShedService<S, buttress_shed::Client>, S>;
type WithBreaker<S> = MaybeService<BreakerService<S, Http>, S>;
type WithBulkhead<S> = MaybeService<BulkheadService<S, Http>, S>;

impl<S> ClientService<S> {
    /// Updates the configuration after a reload.
    #[cold]
    fn catch_up(&mut self) {
        let (layers, edition) = self.layers.read();
        self.edition = edition;
        let inner = match &mut self.inner {
            MaybeService::With(service) => service.get_mut(),
            MaybeService::Without(inner) => inner,
        };
        let inner = match inner {
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
        let inner = match inner {
            MaybeService::With(service) => {
                layers.breaker.iter().for_each(|layer| service.adopt(layer));
                service.get_mut()
            }
            MaybeService::Without(inner) => inner,
        };
        if let (Some(layer), MaybeService::With(service)) = (&layers.bulkhead, inner) {
            service.adopt(layer);
        }
    }
}

impl<S, Req> Service<Req> for ClientService<S>
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
