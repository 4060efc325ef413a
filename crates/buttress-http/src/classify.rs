use std::error::Error;

use buttress_core::{Report, classify_error};
use http::{HeaderMap, StatusCode};

use crate::Malformed;

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
    /// What the head of a response says.
    fn head(&self, status: StatusCode, headers: &HeaderMap) -> Reading;

    /// What the trailers say, where the head left the outcome open. Nothing, unless overridden.
    ///
    /// Not asked where a body ends without trailers: that body was cut off.
    fn trailers(&self, trailers: &HeaderMap) -> Reading {
        let _ = trailers;
        Reading::OPEN
    }

    /// What an error in place of a response says. As [`classify_error`] reads it, unless overridden.
    fn error(&self, error: &(dyn Error + 'static)) -> Report {
        classify_error(error)
    }
}

impl<F> Classify for F
where
    F: Fn(StatusCode, &HeaderMap) -> Report + Send + Sync,
{
    fn head(&self, status: StatusCode, headers: &HeaderMap) -> Reading {
        self(status, headers).into()
    }
}

/// What a [`Classify`] read in headers or trailers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The outcome, or `None` where these headers leave it open.
    ///
    /// Open at the head means that the trailers will tell. Open at the end means that the end is missing.
    pub report: Option<Report>,
    /// A header that was ignored because it is malformed, for the shell to count.
    pub malformed: Option<Malformed>,
}

impl Reading {
    /// The outcome is not known yet.
    pub const OPEN: Self = Self {
        report: None,
        malformed: None,
    };

    /// The same reading, with a header that had to be ignored.
    #[must_use]
    pub const fn ignoring(mut self, malformed: Option<Malformed>) -> Self {
        self.malformed = malformed;
        self
    }
}

impl From<Report> for Reading {
    fn from(report: Report) -> Self {
        Self {
            report: Some(report),
            malformed: None,
        }
    }
}
