use std::error::Error;

use buttress_core::{FailureKind, Outcome, Report, classify_error};
use http::{HeaderMap, StatusCode};

/// Reads an outcome off a response: once at its head, and again at its end where the head leaves it open.
///
/// [`HttpClassifier`](crate::HttpClassifier) is the default. A function of status and headers will do where
/// the head says everything:
///
/// ```
/// use buttress_core::{FailureKind, Report};
/// use buttress_http::Http;
/// use http::{HeaderMap, StatusCode};
///
/// // This upstream answers 404 while it warms its cache up.
/// let protocol = Http::default().classify(|status: StatusCode, _: &HeaderMap| match status {
///     StatusCode::NOT_FOUND => Report::failure(FailureKind::Error),
///     _ => Report::SUCCESS,
/// });
/// # let _ = protocol;
/// ```
pub trait Classify: Send + Sync {
    /// What the head of a response says, or `None` where the trailers will tell.
    fn head(&self, status: StatusCode, headers: &HeaderMap) -> Option<Report>;

    /// The outcome of the trailers, where the head left it open. `None`, unless overridden, means that they have none
    /// either: the response was cut off. So was one that ends without trailers, for which this is not called.
    fn trailers(&self, trailers: &HeaderMap) -> Option<Report> {
        let _ = trailers;
        None
    }

    /// What an error in place of a response says. As [`classify_error`] reads it, unless overridden.
    fn error(&self, error: &(dyn Error + 'static)) -> Report {
        classify_error(error)
    }

    /// What an error in the middle of a body says. As [`classify_error`] reads it, unless overridden; one that
    /// says no more than that it is an error is a transport failure, for the body broke off.
    fn body_error(&self, error: &(dyn Error + 'static)) -> Report {
        let report = classify_error(error);
        match report.outcome {
            Outcome::Failure(FailureKind::Error) => Report {
                outcome: Outcome::Failure(FailureKind::Transport),
                ..report
            },
            _ => report,
        }
    }
}

impl<F> Classify for F
where
    F: Fn(StatusCode, &HeaderMap) -> Report + Send + Sync,
{
    fn head(&self, status: StatusCode, headers: &HeaderMap) -> Option<Report> {
        Some(self(status, headers))
    }
}
