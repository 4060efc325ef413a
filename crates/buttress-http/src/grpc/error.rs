use std::error::Error;

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::{CONTENT_TYPE as GRPC, GrpcCode, STATUS};

/// The gRPC status in an error: a `tonic::Status`, with the feature `tonic`.
#[derive(Debug, Clone, Copy)]
pub struct ErrorStatus<'a> {
    /// The code.
    pub code: GrpcCode,
    /// The message, decoded.
    pub message: &'a str,
    /// Metadata, such as `grpc-retry-pushback-ms`.
    pub metadata: &'a HeaderMap,
}

impl ErrorStatus<'_> {
    /// Returns the status as the head of a gRPC response without messages.
    #[must_use]
    pub fn to_headers(&self) -> HeaderMap {
        let mut headers = self.metadata.clone();
        headers.insert(CONTENT_TYPE, GRPC);
        headers.insert(STATUS, self.code.into());
        headers
    }
}

/// Returns the outermost gRPC status among an error and its sources. Always `None` without the feature `tonic`.
#[must_use]
pub fn status_of<'a>(error: &'a (dyn Error + 'static)) -> Option<ErrorStatus<'a>> {
    buttress_core::chain(error).find_map(read_link)
}

#[cfg(feature = "tonic")]
fn read_link<'a>(error: &'a (dyn Error + 'static)) -> Option<ErrorStatus<'a>> {
    let status: &tonic::Status = error.downcast_ref()?;
    Some(ErrorStatus {
        code: GrpcCode::from(status.code() as i32),
        message: status.message(),
        metadata: status.metadata().as_ref(),
    })
}

#[cfg(not(feature = "tonic"))]
fn read_link<'a>(_: &'a (dyn Error + 'static)) -> Option<ErrorStatus<'a>> {
    None
}

#[cfg(all(test, feature = "tonic"))]
mod tests {
    use std::sync::Arc;

    use buttress_core::retry::{RetryClass, judge_error};
    use buttress_core::{FailureKind, Reason, Rejection, Report, classify_error};
    use http::StatusCode;
    use tonic::{Code, Status};

    use super::*;
    use crate::{Classify, ClassifyRetry, HttpClassifier, RetryClassifier, know_errors};

    #[test]
    fn a_status_is_the_same_as_error_and_as_response() {
        know_errors();
        for code in GrpcCode::ALL {
            let status = Status::new(Code::from(i32::from(code.number())), "");
            let headers = status_of(&status).unwrap().to_headers();
            for classifier in [HttpClassifier::client(), HttpClassifier::server()] {
                let expected = classifier.head(StatusCode::OK, &headers);
                assert_eq!(Some(classifier.error(&status)), expected, "{code}");
            }
            let expected = HttpClassifier::client().head(StatusCode::OK, &headers);
            assert_eq!(Some(classify_error(&status)), expected, "{code}");
            let expected = RetryClassifier::DEFAULT.head(StatusCode::OK, &headers);
            assert_eq!(judge_error(&status), expected, "{code}");
            assert_eq!(RetryClassifier::DEFAULT.error(&status), expected, "{code}");
        }
    }

    #[test]
    fn an_error_inside_a_status_is_classified_itself() {
        know_errors();
        let rejection = Rejection::new(Reason::CircuitOpen, "a");
        let status = Status::from_error(rejection.into());
        assert_eq!(classify_error(&status), Report::IGNORED);
        assert_eq!(HttpClassifier::client().error(&status), Report::IGNORED);
        assert_eq!(judge_error(&status).class, RetryClass::Rejected);

        let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let mut status = Status::unavailable("");
        status.set_source(Arc::new(reset));
        let transport = Report::failure(FailureKind::Transport);
        assert_eq!(classify_error(&status), transport);
    }
}
