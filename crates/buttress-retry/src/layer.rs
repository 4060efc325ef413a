use buttress_core::{BoxError, Classified, Plain, Report};
use buttress_http::{ClassifyRetry, Until};
use tower_layer::Layer;

use crate::{HttpRetry, Retry, RetryService};

/// Puts a [`Retry`] in front of a service.
///
/// All services made by layers of one retry share its budget, however often `layer` is called. See the
/// [crate docs](crate).
#[derive(Debug, Clone)]
pub struct RetryLayer<P = Plain> {
    retry: Retry,
    protocol: P,
}

impl RetryLayer {
    /// Tries a call again when its `Result` is an error that [may pass](buttress_core::retry::judge_error). The
    /// request is cloned, so this says that any of them may be done twice.
    #[must_use]
    pub fn new(retry: &Retry) -> Self {
        Self::with_protocol(retry, Plain)
    }

    /// Tries a call again when `classify` says of its `Result` that it failed, after the wait that it reports.
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
    /// Tries HTTP and gRPC requests again that [may be processed twice](buttress_http::safety_of), as the
    /// [`RetryClassifier`](buttress_http::RetryClassifier) says.
    #[must_use]
    pub fn http(retry: &Retry) -> Self {
        Self::with_protocol(retry, HttpRetry::default())
    }

    /// How long a call lasts, at the end of which a success pays into the budget: until the end of the body (the
    /// default), or until the head of the response.
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
    /// Tries calls again by a protocol of your own.
    #[must_use]
    pub fn with_protocol(retry: &Retry, protocol: P) -> Self {
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
