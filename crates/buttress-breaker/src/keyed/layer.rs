use std::borrow::Cow;

use buttress_core::Plain;
use buttress_http::{Classify, Http, Until};
use tower_layer::Layer;

use super::{Breakers, KeyedBreakerService};

/// Applies a breaker for each key to a service.
///
/// ```
/// use buttress_breaker::{Breakers, BreakersConfig, KeyedBreakerLayer};
///
/// let hosts = Breakers::new("upstreams", BreakersConfig::default());
/// let layer = KeyedBreakerLayer::http(&hosts, |request: &http::Request<String>| {
///     request.uri().host().unwrap_or_default().into()
/// });
/// # let _ = layer;
/// ```
#[derive(Debug, Clone)]
pub struct KeyedBreakerLayer<K> {
    breakers: Breakers,
    by_key: K,
}

/// How the key of a request and the outcome of its call are read.
#[derive(Clone, Copy)]
pub struct ByKey<F, P = Plain> {
    pub(super) key: F,
    pub(super) protocol: P,
}

impl<F> KeyedBreakerLayer<ByKey<F>> {
    /// Reads the outcome of a call from its `Result`. `key` returns the key of a request.
    #[must_use]
    pub fn new<Req>(breakers: &Breakers, key: F) -> Self
    where
        F: Fn(&Req) -> Cow<'_, str>,
    {
        Self::with_protocol(breakers, key, Plain)
    }
}

impl<F> KeyedBreakerLayer<ByKey<F, Http>> {
    /// Reads the outcome of a call from its HTTP or gRPC response. `key` returns the key of a request.
    #[must_use]
    pub fn http<B>(breakers: &Breakers, key: F) -> Self
    where
        F: Fn(&http::Request<B>) -> Cow<'_, str>,
    {
        Self::with_protocol(breakers, key, Http::client())
    }

    /// Sets when a call ends: at the end of the body (the default), or at the head of the response.
    #[must_use]
    pub fn until(mut self, until: Until) -> Self {
        self.by_key.protocol = self.by_key.protocol.until(until);
        self
    }

    /// Replaces the classifier.
    #[must_use]
    pub fn classify(mut self, classifier: impl Classify + 'static) -> Self {
        self.by_key.protocol = self.by_key.protocol.classify(classifier);
        self
    }
}

impl<F, P> KeyedBreakerLayer<ByKey<F, P>> {
    /// Reads the outcome of a call with a custom protocol.
    #[must_use]
    pub fn with_protocol(breakers: &Breakers, key: F, protocol: P) -> Self {
        Self {
            breakers: breakers.clone(),
            by_key: ByKey { key, protocol },
        }
    }
}

impl<S, K: Clone> Layer<S> for KeyedBreakerLayer<K> {
    type Service = KeyedBreakerService<S, K>;

    fn layer(&self, inner: S) -> Self::Service {
        KeyedBreakerService::new(inner, self.breakers.clone(), self.by_key.clone())
    }
}

impl<F, P: std::fmt::Debug> std::fmt::Debug for ByKey<F, P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ByKey")
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}
