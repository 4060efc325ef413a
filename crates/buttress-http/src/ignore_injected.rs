use std::error::Error;

use buttress_core::retry::{Classification, RetryClass};
use buttress_core::{Reason, Rejection, Report};
use http::{HeaderMap, StatusCode};

use crate::{Classify, ClassifyRetry, HttpClassifier};

/// A classifier that ignores what was done on purpose, and asks another about the rest.
///
/// For breakers and budgets that should not learn from an experiment: a breaker does not count it, and a retry does not
/// spend its budget on another attempt. It knows an injected fault by the
/// `x-buttress-fault` that the response says it in, which the injector must be told to do, also several hops
/// away; and by the [`Rejection`] for [`Reason::FaultInjected`] in an error.
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
    /// Asks `classifier` about what was not injected.
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

/// What was injected is not tried again. A success that was only made late stays one.
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

/// What the injector says a fault in.
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
    fn what_was_injected_is_ignored() {
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
    fn everything_else_is_what_the_other_says() {
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
