use buttress_core::{BoxError, Classified, Plain, Report};
use buttress_http::ClassifyRetry;
use tower_layer::Layer;

use super::{Hedge, HedgeService};
use crate::HttpRetry;

/// Applies a [`Hedge`] to a service.
///
/// Place it inside a retry and outside a load balancer, so that the second attempt reaches another instance.
#[derive(Debug, Clone)]
pub struct HedgeLayer<P = Plain> {
    hedge: Hedge,
    protocol: P,
}

impl HedgeLayer {
    /// Hedges calls of any kind. The request is cloned, so any request must be safe to process twice.
    #[must_use]
    pub fn new(hedge: &Hedge) -> Self {
        Self::with(hedge, Plain)
    }

    /// Sets which results are failures, by `classify`. After a failure, the other attempt is waited for.
    #[must_use]
    pub fn classify<Res, F>(self, classify: F) -> HedgeLayer<Classified<F>>
    where
        F: Fn(&Result<Res, BoxError>) -> Report + Clone,
    {
        HedgeLayer {
            hedge: self.hedge,
            protocol: Classified::new(classify),
        }
    }
}

impl HedgeLayer<HttpRetry> {
    /// Hedges HTTP and gRPC requests that are [idempotent](buttress_http::safety_of).
    #[must_use]
    pub fn client(hedge: &Hedge) -> Self {
        Self::with(hedge, HttpRetry::default())
    }

    /// Replaces the classifier. After a transient failure, the other attempt is waited for.
    #[must_use]
    pub fn classify(mut self, classifier: impl ClassifyRetry + 'static) -> Self {
        self.protocol = self.protocol.classify(classifier);
        self
    }
}

impl<P> HedgeLayer<P> {
    /// Hedges with a custom protocol.
    #[must_use]
    pub fn with(hedge: &Hedge, protocol: P) -> Self {
        Self {
            hedge: hedge.clone(),
            protocol,
        }
    }
}

impl<S, P: Clone> Layer<S> for HedgeLayer<P> {
    type Service = HedgeService<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        HedgeService::new(inner, self.hedge.clone(), self.protocol.clone())
    }
}
