use buttress_core::{BoxError, Classified, Plain, Report};
use buttress_http::{ClassifyRetry, Until};
use tower_layer::Layer;

use crate::{HttpRetry, Retry, RetryService};

/// Applies a [`Retry`] to a service.
///
/// All services of all layers of one retry share its budget, however often `layer` is called. See the [crate
/// docs](crate).
#[derive(Debug, Clone)]
pub struct RetryLayer<P = Plain> {
    retry: Retry,
    protocol: P,
}

impl RetryLayer {
    /// Retries a call if its `Result` is a [transient error](buttress_core::retry::judge_error). The request is
    /// cloned, so any request must be safe to process twice.
    #[must_use]
    pub fn new(retry: &Retry) -> Self {
        Self::with(retry, Plain)
    }

    /// Retries a call if `classify` returns a failure for its `Result`, after the wait in the report.
    #[must_use]
    pub fn classify<Res, F>(self, classify: F) -> RetryLayer<Classified<F>>
    where
        F: Fn(&Result<Res, BoxError>) -> Report + Clone,
    {
        RetryLayer {
            retry: self.retry,
            protocol: Classified::new(classify),
        }
    }
}

impl RetryLayer<HttpRetry> {
    /// Retries HTTP and gRPC requests that [may be processed twice](buttress_http::safety_of), by the
    /// [`RetryClassifier`](buttress_http::RetryClassifier).
    #[must_use]
    pub fn client(retry: &Retry) -> Self {
        Self::with(retry, HttpRetry::default())
    }

    /// Sets when a call ends, and a success deposits into the budget: at the end of the body (the default), or at the
    /// head of the response.
    #[must_use]
    pub fn until(mut self, until: Until) -> Self {
        self.protocol = self.protocol.until(until);
        self
    }

    /// Replaces the classifier.
    #[must_use]
    pub fn classify(mut self, classifier: impl ClassifyRetry + 'static) -> Self {
        self.protocol = self.protocol.classify(classifier);
        self
    }
}

impl<P> RetryLayer<P> {
    /// Retries with a custom protocol.
    #[must_use]
    pub fn with(retry: &Retry, protocol: P) -> Self {
        Self {
            retry: retry.clone(),
            protocol,
        }
    }
}

impl<S, P: Clone> Layer<S> for RetryLayer<P> {
    type Service = RetryService<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        RetryService::new(inner, self.retry.clone(), self.protocol.clone())
    }
}
