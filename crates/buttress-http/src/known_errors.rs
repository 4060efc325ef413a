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
/// | `hyper` | an error of hyper-util's client for a request that [cannot be sent](cannot_be_sent) | ignored and not retried: the caller's mistake |
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

/// Returns whether an error of hyper-util's client means that the client cannot send requests like this one, so nothing
/// was sent:
///
/// - the URL is relative, or has no scheme;
/// - the connector cannot connect to the scheme: `https://` without TLS, or `ftp://`;
/// - the client or its connection does not support the version of the request, such as HTTP/2 over a connection of
///   HTTP/1.1;
/// - the method is CONNECT and the version HTTP/1.0.
///
/// An unsupported scheme is recognized by the error of hyper-util's `HttpConnector`, not by those of other connectors. An
/// empty host is an error of DNS, as any unknown name is. Always `false` without the feature `hyper`.
#[must_use]
pub fn cannot_be_sent(error: &(dyn Error + 'static)) -> bool {
    #[cfg(feature = "hyper")]
    {
        use hyper_util::client::legacy;

        // Another error of a client further down is about another request: one that the body of this request needed,
        // or a tunnel.
        let found = buttress_core::chain(error).find_map(|error| error.downcast_ref());
        let Some(error): Option<&legacy::Error> = found else {
            return false;
        };
        // The kinds of these errors are private to hyper-util, and so is the connector's error type. The kinds for
        // mistakes of the caller begin with "User".
        if !error.is_connect() {
            return error.to_string().starts_with("client error (User");
        }
        buttress_core::chain(error)
            .last()
            .is_some_and(|cause| cause.to_string().starts_with("invalid URL, "))
    }
    #[cfg(not(feature = "hyper"))]
    {
        let _ = error;
        false
    }
}
