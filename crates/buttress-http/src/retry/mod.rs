//! Whether an HTTP or gRPC attempt can be retried.

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

/// Returns whether another attempt could succeed. [`RetryClassifier`] is the default.
pub trait ClassifyRetry: Send + Sync {
    /// Returns the class of a response, from its head. A gRPC response without a status in its head is committed: its
    /// caller may have read a part of it.
    fn head(&self, status: StatusCode, headers: &HeaderMap) -> Classification;

    /// Returns the class of an error in place of a response. The default uses [`judge_http_error`].
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

/// The header with which a server forbids another attempt (`no`), because the tiers below it have already retried.
///
/// There is no standard for it. gRPC has a negative `grpc-retry-pushback-ms`; HTTP has only `Retry-After`, which
/// delays a retry and cannot forbid it.
pub const RETRY: HeaderName = HeaderName::from_static("x-buttress-retry");

/// Whether a response forbids a retry, by [`RETRY`] or by the headers of Envoy (`x-envoy-overloaded`) and Finagle
/// (`finagle-http-nonretryable-nack`).
#[must_use]
pub(crate) fn forbids_retry(headers: &HeaderMap) -> bool {
    headers.get(RETRY).is_some_and(|value| value == "no")
        || headers.contains_key("x-envoy-overloaded")
        || headers.contains_key("finagle-http-nonretryable-nack")
}
