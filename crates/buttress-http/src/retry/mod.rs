//! What HTTP and gRPC say about trying again.

mod classifier;
mod error;
mod fate;
mod safety;
mod unprocessed;

use std::error::Error;

use buttress_core::retry::Classification;
pub use classifier::RetryClassifier;
pub use error::judge_http_error;
pub use fate::{Fate, Ticket};
use http::{HeaderMap, HeaderName, StatusCode};
pub use safety::{Idempotent, safe_at_once, safety_of};
pub use unprocessed::was_never_processed;

/// Reads off the end of an attempt whether another could help. [`RetryClassifier`] is the default.
pub trait ClassifyRetry: Send + Sync {
    /// The class of a response by its head. A gRPC response without a status in its head is committed: its caller may
    /// have read some of it already.
    fn head(&self, status: StatusCode, headers: &HeaderMap) -> Classification;

    /// What an error in place of a response says. As [`judge_http_error`] reads it, unless overridden.
    fn error(&self, error: &(dyn Error + 'static)) -> Classification {
        judge_http_error(error)
    }
}

impl<F> ClassifyRetry for F
where
    F: Fn(StatusCode, &HeaderMap) -> Classification + Send + Sync,
{
    fn head(&self, status: StatusCode, headers: &HeaderMap) -> Classification {
        self(status, headers)
    }
}

/// The header by which a server says `no` to another attempt, because all that could be done was done further down.
///
/// There is no standard for it. gRPC has a negative `grpc-retry-pushback-ms` for it; HTTP has nothing but
/// `Retry-After`, which says when, and never that one should not.
pub const RETRY: HeaderName = HeaderName::from_static("x-buttress-retry");

/// Whether a response says not to try again: by [`RETRY`], or in the words of Envoy (`x-envoy-overloaded`) and of
/// Finagle (`finagle-http-nonretryable-nack`).
#[must_use]
pub(crate) fn forbids_retry(headers: &HeaderMap) -> bool {
    headers.get(RETRY).is_some_and(|value| value == "no")
        || headers.contains_key("x-envoy-overloaded")
        || headers.contains_key("finagle-http-nonretryable-nack")
}
