use std::error::Error;

use buttress_core::retry::{Classification, RetryClass};
use buttress_core::{Reason, Rejection, Report};
use http::{HeaderMap, StatusCode};

use crate::{Classify, ClassifyRetry, HttpClassifier};

/// A classifier that ignores injected faults, and passes the rest to another classifier.
///
/// For breakers and budgets that must not learn from an experiment: a breaker does not count an injected fault, and a
/// retry does not spend budget on it. An injected fault is recognized by its [`Rejection`] with
/// [`Reason::FaultInjected`], or by the response header `x-buttress-fault`, also several hops away. The injector
/// sends the header only if it is configured to.
///
/// ```
/// use buttress_http::{Http, HttpClassifier, IgnoreInjected};
///
/// let protocol = Http::default().classify(IgnoreInjected::new(HttpClassifier::client()));
/// # let _ = protocol;
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct IgnoreInjected<C = HttpClassifier>(C);

impl<C> IgnoreInjected<C> {
    /// Passes what is not injected to `classifier`.
    #[must_use]
    pub const fn new(classifier: C) -> Self {
        Self(classifier)
    }
}

impl<C: Classify> Classify for IgnoreInjected<C> {
    fn head(&self, status: StatusCode, headers: &HeaderMap) -> Option<Report> {
        if headers.contains_key(FAULT) {
            return Some(Report::IGNORED);
        }
        self.0.head(status, headers)
    }

    fn trailers(&self, trailers: &HeaderMap) -> Option<Report> {
        self.0.trailers(trailers)
    }

    fn error(&self, error: &(dyn Error + 'static)) -> Report {
        if is_injected(error) {
            return Report::IGNORED;
        }
        self.0.error(error)
    }

    fn body_error(&self, error: &(dyn Error + 'static)) -> Report {
        if is_injected(error) {
            return Report::IGNORED;
        }
        self.0.body_error(error)
    }
}

/// An injected fault is not retried. A success that was only delayed is still a success.
impl<C: ClassifyRetry> ClassifyRetry for IgnoreInjected<C> {
    fn head(&self, status: StatusCode, headers: &HeaderMap) -> Classification {
        let verdict = self.0.head(status, headers);
        if verdict.class.kind().is_some() && headers.contains_key(FAULT) {
            return Classification::new(RetryClass::Permanent);
        }
        verdict
    }

    fn error(&self, error: &(dyn Error + 'static)) -> Classification {
        if is_injected(error) {
            return Classification::new(RetryClass::Permanent);
        }
        self.0.error(error)
    }
}

/// The header in which an injector names the fault.
const FAULT: &str = "x-buttress-fault";

fn is_injected(error: &(dyn Error + 'static)) -> bool {
    Rejection::find(error).is_some_and(|rejection| rejection.reason() == Reason::FaultInjected)
}

#[cfg(test)]
mod tests {
    use buttress_core::{ClassifiedError, FailureKind, Outcome};

    use super::*;

    const CLASSIFIER: IgnoreInjected = IgnoreInjected::new(HttpClassifier::client());

    #[test]
    fn an_injected_fault_is_ignored() {
        let mut headers = HeaderMap::new();
        let down = StatusCode::SERVICE_UNAVAILABLE;
        let failure = Some(Report::failure(FailureKind::Error));
        assert_eq!(CLASSIFIER.head(down, &headers), failure);
        headers.insert("x-buttress-fault", "down".parse().unwrap());
        assert_eq!(CLASSIFIER.head(down, &headers), Some(Report::IGNORED));

        let injected = ClassifiedError::new(
            Outcome::Failure(FailureKind::Transport),
            Rejection::new(Reason::FaultInjected, "a"),
        );
        assert_eq!(CLASSIFIER.error(&injected), Report::IGNORED);
    }

    #[test]
    fn everything_else_is_passed_to_the_inner_classifier() {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let transport = Report::failure(FailureKind::Transport);
        assert_eq!(CLASSIFIER.error(&refused), transport);
        let trailers = HeaderMap::from_iter([(
            http::HeaderName::from_static("grpc-status"),
            http::HeaderValue::from_static("0"),
        )]);
        assert_eq!(CLASSIFIER.trailers(&trailers), Some(Report::SUCCESS));
    }
}
