use buttress_core::Plain;
use buttress_http::{Classify, Http, Until};
use tower_layer::Layer;

use super::{Breakers, KeyedBreakerService};

/// Applies a breaker for each key to a service. Created by [`BreakerLayer::keyed`](crate::BreakerLayer::keyed).
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
    /// Reads the outcome of a call from its `Result`.
    pub(crate) fn new(breakers: &Breakers, key: F) -> Self {
        Self {
            breakers: breakers.clone(),
            by_key: ByKey {
                key,
                protocol: Plain,
            },
        }
    }

    /// Reads the outcome of a call from its HTTP or gRPC response, as
    /// [`BreakerLayer::client`](crate::BreakerLayer::client) does.
    #[must_use]
    pub fn client(self) -> KeyedBreakerLayer<ByKey<F, Http>> {
        self.with(Http::client())
    }

    /// The same in front of a handler of a server, as [`BreakerLayer::server`](crate::BreakerLayer::server) does.
    #[must_use]
    pub fn server(self) -> KeyedBreakerLayer<ByKey<F, Http>> {
        self.with(Http::server())
    }

    /// Reads the outcome of a call with a custom protocol.
    #[must_use]
    pub fn with<P>(self, protocol: P) -> KeyedBreakerLayer<ByKey<F, P>> {
        KeyedBreakerLayer {
            breakers: self.breakers,
            by_key: ByKey {
                key: self.by_key.key,
                protocol,
            },
        }
    }
}

impl<F> KeyedBreakerLayer<ByKey<F, Http>> {
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
