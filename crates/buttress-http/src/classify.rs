use std::error::Error;

use buttress_core::{FailureKind, Outcome, Report, classify_error};
use http::{HeaderMap, StatusCode};

/// Reads the outcome of a response: from its head, and from its end if the head has none.
///
/// [`HttpClassifier`](crate::HttpClassifier) is the default. If the head is sufficient, use a function of status and
/// headers:
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
    /// Returns the outcome of a head, or `None` if the trailers have it.
    fn head(&self, status: StatusCode, headers: &HeaderMap) -> Option<Report>;

    /// Returns the outcome of the trailers. Called only if the head has none. The default returns `None`, which means
    /// that the response was cut off. A response without trailers is also cut off, and this is not called for it.
    fn trailers(&self, trailers: &HeaderMap) -> Option<Report> {
        let _ = trailers;
        None
    }

    /// Returns the outcome of an error in place of a response. The default uses [`classify_error`].
    fn error(&self, error: &(dyn Error + 'static)) -> Report {
        classify_error(error)
    }

    /// Returns the outcome of an error in the middle of a body. The default uses [`classify_error`]; an error that is
    /// no more specific is a transport failure, because the body was cut off.
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
