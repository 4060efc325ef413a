use std::task::{Context, Poll};

use buttress_breaker::{Breaker, BreakerConfig, BreakerLayer, BreakerService};
use buttress_bulkhead::{Bulkhead, BulkheadConfig, BulkheadLayer, BulkheadService};
use buttress_core::{ConfigError, Name, Striped};
use buttress_deadline::{Client, ClientDeadlineConfig, DeadlineLayer, DeadlineService};
use buttress_http::Http;
use buttress_retry::{HttpRetry, Retry, RetryConfig, RetryLayer, RetryService};
use tower_layer::Layer;
use tower_service::Service;

use super::live::Live;
use super::maybe::MaybeService;

/// What stands in a file about a client.
#[derive(Debug, Clone)]
pub(super) struct ClientSettings {
    pub(super) deadline: Option<ClientDeadlineConfig>,
    pub(super) retry: Option<RetryConfig>,
    pub(super) breaker: Option<BreakerConfig>,
    pub(super) bulkhead: Option<BulkheadConfig>,
}

impl ClientSettings {
    /// The layers that a client may have or not, and whether this one has them.
    pub(super) fn patterns(&self) -> [(&'static str, bool); 4] {
        [
            ("deadline", self.deadline.is_some()),
            ("retry", self.retry.is_some()),
            ("breaker", self.breaker.is_some()),
            ("bulkhead", self.bulkhead.is_some()),
        ]
    }
}

/// The layers of a client, outermost first: deadline, retry, breaker, bulkhead.
///
/// Made by [`Resilience::client`](crate::Resilience::client). A clone is the same stack.
#[derive(Debug, Clone)]
pub struct ClientStack {
    name: Name,
    deadline: Striped<Live<Option<DeadlineLayer<Client>>>>,
    retry: Option<Retry>,
    breaker: Option<Breaker>,
    bulkhead: Option<Bulkhead>,
}

impl ClientStack {
    pub(super) fn new(name: Name, settings: &ClientSettings) -> Result<Self, ConfigError> {
        let retry = settings.retry.clone();
        let breaker = settings.breaker.clone();
        let bulkhead = settings.bulkhead.clone();
        Ok(Self {
            deadline: Striped::new(Live::new(deadline(&name, settings)?)),
            retry: retry
                .map(|config| Retry::try_new(name.clone(), config))
                .transpose()?,
            breaker: breaker
                .map(|config| Breaker::try_new(name.clone(), config))
                .transpose()?,
            bulkhead: bulkhead
                .map(|config| Bulkhead::try_new(name.clone(), config))
                .transpose()?,
            name,
        })
    }

    /// The name it has in the file.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Puts the stack around a service.
    #[must_use]
    pub fn service<S>(&self, inner: S) -> ClientService<S> {
        self.layer(inner)
    }

    /// Its retry, if the file has one.
    #[must_use]
    pub fn retry(&self) -> Option<&Retry> {
        self.retry.as_ref()
    }

    /// Its breaker, if the file has one.
    #[must_use]
    pub fn breaker(&self) -> Option<&Breaker> {
        self.breaker.as_ref()
    }

    /// Its bulkhead, if the file has one.
    #[must_use]
    pub fn bulkhead(&self) -> Option<&Bulkhead> {
        self.bulkhead.as_ref()
    }

    pub(super) fn apply(&self, settings: &ClientSettings) -> Result<(), ConfigError> {
        let deadline = deadline(&self.name, settings)?;
        if let (Some(retry), Some(config)) = (&self.retry, &settings.retry) {
            retry.reconfigure(config.clone())?;
        }
        if let (Some(breaker), Some(config)) = (&self.breaker, &settings.breaker) {
            breaker.reconfigure(config.clone())?;
        }
        if let (Some(bulkhead), Some(config)) = (&self.bulkhead, &settings.bulkhead) {
            bulkhead.reconfigure(config.clone())?;
        }
        self.deadline.replace(deadline);
        Ok(())
    }
}

fn deadline(
    name: &Name,
    settings: &ClientSettings,
) -> Result<Option<DeadlineLayer<Client>>, ConfigError> {
    let layer = settings
        .deadline
        .map(DeadlineLayer::try_client_with)
        .transpose()?;
    Ok(layer.map(|layer| layer.named(name.clone())))
}

impl<S> Layer<S> for ClientStack {
    type Service = ClientService<S>;

    fn layer(&self, inner: S) -> ClientService<S> {
        let (deadline, edition) = self.deadline.read();
        let breaker = self.breaker.as_ref().map(BreakerLayer::http);
        let retry = self.retry.as_ref().map(RetryLayer::http);
        let bulkhead = self.bulkhead.as_ref().map(BulkheadLayer::http);
        let inner = MaybeService::new(bulkhead.as_ref(), inner);
        let inner = MaybeService::new(breaker.as_ref(), inner);
        let inner = MaybeService::new(retry.as_ref(), inner);
        ClientService {
            inner: MaybeService::new(deadline.as_ref(), inner),
            deadline: self.deadline.clone(),
            edition,
        }
    }
}

/// A service behind a [`ClientStack`].
#[derive(Debug, Clone)]
pub struct ClientService<S> {
    inner: Stacked<S>,
    deadline: Striped<Live<Option<DeadlineLayer<Client>>>>,
    edition: u64,
}

type Stacked<S> = WithDeadline<WithRetry<WithBreaker<WithBulkhead<S>>>>;
type WithDeadline<S> = MaybeService<DeadlineService<S, Client>, S>;
type WithRetry<S> = MaybeService<RetryService<S, HttpRetry>, S>;
type WithBreaker<S> = MaybeService<BreakerService<S, Http>, S>;
type WithBulkhead<S> = MaybeService<BulkheadService<S, Http>, S>;

impl<S> ClientService<S> {
    /// Goes by what was reloaded since.
    #[cold]
    fn catch_up(&mut self) {
        let (deadline, edition) = self.deadline.read();
        self.edition = edition;
        if let (Some(layer), MaybeService::With(service)) = (deadline, &mut self.inner) {
            service.adopt(&layer);
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
        if self.deadline.edition() != self.edition {
            self.catch_up();
        }
        self.inner.poll_ready(cx)
    }

    #[inline(always)]
    fn call(&mut self, request: Req) -> Self::Future {
        self.inner.call(request)
    }
}
