use std::error::Error;

use buttress_core::retry::{Classification, RetryClass};
use buttress_core::{ErrorReading, Report, read_errors_with};
use http::StatusCode;

use crate::{Classify, ClassifyRetry, HttpClassifier, RetryClassifier, grpc};

/// Has [`classify_error`](buttress_core::classify_error) and [`judge_error`](buttress_core::retry::judge_error) read what
/// the enabled features know of the errors of client libraries. Handles of Buttress do this when they are made.
///
/// | feature | in the chain | reading |
/// |---|---|---|
/// | `tonic` | a `tonic::Status` | as a client reads the same status in a response |
/// | `hyper` | an error of hyper-util's client, whose connector cannot connect to such a URL: `https://` without TLS | ignored, and not tried again: the caller's mistake |
pub fn know_errors() {
    if cfg!(any(feature = "hyper", feature = "tonic")) {
        read_errors_with(read);
    }
}

fn read(error: &(dyn Error + 'static)) -> Option<ErrorReading> {
    if cannot_be_sent(error) {
        return Some(ErrorReading {
            report: Report::IGNORED,
            verdict: Classification::new(RetryClass::Permanent),
        });
    }
    let headers = grpc::status_of(error)?.to_headers();
    Some(ErrorReading {
        report: HttpClassifier::client().head(StatusCode::OK, &headers)?,
        verdict: RetryClassifier::DEFAULT.head(StatusCode::OK, &headers),
    })
}

/// Whether an error of hyper-util's client says that its connector cannot connect to a URL like that of the request:
/// nothing was tried. Always `false` without the feature `hyper`.
#[must_use]
pub fn cannot_be_sent(error: &(dyn Error + 'static)) -> bool {
    #[cfg(feature = "hyper")]
    {
        use hyper_util::client::legacy;

        let is_connect = |error: &(dyn Error + 'static)| {
            let error: Option<&legacy::Error> = error.downcast_ref();
            error.is_some_and(legacy::Error::is_connect)
        };
        // The error of the connector has no name outside of hyper-util. It comes from no other error.
        buttress_core::chain(error).any(is_connect)
            && buttress_core::chain(error)
                .last()
                .is_some_and(|cause| cause.to_string().starts_with("invalid URL, "))
    }
    #[cfg(not(feature = "hyper"))]
    {
        let _ = error;
        false
    }
}
