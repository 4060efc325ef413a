use std::error::Error;

use buttress_core::retry::{Classification, RetryClass};
use buttress_core::{ErrorReading, Report, read_errors_with};
use http::StatusCode;

use crate::{Classify, ClassifyRetry, HttpClassifier, RetryClassifier, grpc};

/// Makes [`classify_error`](buttress_core::classify_error) and [`judge_error`](buttress_core::retry::judge_error)
/// recognize the errors of the client libraries whose features are enabled. Handles of Buttress call this when they
/// are created.
///
/// | feature | error or source | outcome |
/// |---|---|---|
/// | `tonic` | a `tonic::Status` | that of the same status in a response, for a client |
/// | `hyper` | an error of hyper-util's client whose connector cannot connect to the URL: `https://` without TLS | ignored and not retried: the caller's mistake |
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

/// Returns whether an error of hyper-util's client means that its connector cannot connect to URLs like that of the
/// request, so nothing was sent. Always `false` without the feature `hyper`.
#[must_use]
pub fn cannot_be_sent(error: &(dyn Error + 'static)) -> bool {
    #[cfg(feature = "hyper")]
    {
        use hyper_util::client::legacy;

        let is_connect = |error: &(dyn Error + 'static)| {
            let error: Option<&legacy::Error> = error.downcast_ref();
            error.is_some_and(legacy::Error::is_connect)
        };
        // The connector's error type is private to hyper-util. No other error wraps it.
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
