use buttress_core::{FailureKind, Outcome, Report};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};

use crate::grpc::{self, GrpcCode, Pushback};
use crate::malformed::ignore_malformed;
use crate::{Classify, RetryAfter};

/// The default [`Classify`]: it asks whether the dependency was able to answer, not whether the caller liked
/// what it heard.
///
/// | HTTP status | outcome |
/// |---|---|
/// | 408, 504 | timeout |
/// | 429 | overload |
/// | 501 | success: it is about the request |
/// | any other 5xx | error |
/// | anything else | success |
///
/// | gRPC status | outcome |
/// |---|---|
/// | `DATA_LOSS`, `INTERNAL`, `UNAVAILABLE`, `UNKNOWN` | error |
/// | `DEADLINE_EXCEEDED` | timeout |
/// | `RESOURCE_EXHAUSTED` | overload |
/// | `CANCELLED` | ignored |
/// | any other | success |
///
/// A response is gRPC if its `content-type` says so. Its status stands in the trailers, or in the headers if
/// there is nothing but an error to send; one that has neither and is not a `200` is read as plain HTTP.
///
/// A failure carries the wait the dependency asked for in `Retry-After` or `grpc-retry-pushback-ms`. A date in
/// `Retry-After` is measured against the `Date` of the same response, and ignored where there is none.
#[derive(Debug, Clone, Copy, Default)]
pub struct HttpClassifier;

impl Classify for HttpClassifier {
    fn head(&self, status: StatusCode, headers: &HeaderMap) -> Option<Report> {
        if grpc::is_grpc(headers.get(CONTENT_TYPE)) {
            let report = read_grpc(headers);
            if report.is_some() || status == StatusCode::OK {
                return report;
            }
        }
        Some(read_http(status, headers))
    }

    fn trailers(&self, trailers: &HeaderMap) -> Option<Report> {
        read_grpc(trailers)
    }
}

fn read_http(status: StatusCode, headers: &HeaderMap) -> Report {
    let kind = match status {
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => FailureKind::Timeout,
        StatusCode::TOO_MANY_REQUESTS => FailureKind::Overload,
        StatusCode::NOT_IMPLEMENTED => return Report::SUCCESS,
        _ if status.is_server_error() => FailureKind::Error,
        _ => return Report::SUCCESS,
    };
    let asked = ignore_malformed(RetryAfter::from_headers(headers));
    Report::failure(kind).retry_after(asked.and_then(|asked| asked.wait_by_date_of(headers)))
}

fn read_grpc(headers: &HeaderMap) -> Option<Report> {
    let code = ignore_malformed(GrpcCode::from_headers(headers))?;
    let report = Report::new(grpc_outcome(code));
    if !report.outcome.is_failure() {
        return Some(report);
    }
    let asked = ignore_malformed(Pushback::from_headers(headers));
    Some(report.retry_after(asked.and_then(Pushback::after)))
}

fn grpc_outcome(code: GrpcCode) -> Outcome {
    match code {
        GrpcCode::DataLoss | GrpcCode::Internal | GrpcCode::Unavailable | GrpcCode::Unknown => {
            Outcome::Failure(FailureKind::Error)
        }
        GrpcCode::DeadlineExceeded => Outcome::Failure(FailureKind::Timeout),
        GrpcCode::ResourceExhausted => Outcome::Failure(FailureKind::Overload),
        GrpcCode::Cancelled => Outcome::Ignored,
        GrpcCode::Ok
        | GrpcCode::InvalidArgument
        | GrpcCode::NotFound
        | GrpcCode::AlreadyExists
        | GrpcCode::PermissionDenied
        | GrpcCode::FailedPrecondition
        | GrpcCode::Aborted
        | GrpcCode::OutOfRange
        | GrpcCode::Unimplemented
        | GrpcCode::Unauthenticated => Outcome::Success,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderValue;
    use http::header::{DATE, RETRY_AFTER};

    use super::*;

    fn headers<const N: usize>(pairs: [(http::HeaderName, &'static str); N]) -> HeaderMap {
        pairs
            .into_iter()
            .map(|(name, value)| (name, HeaderValue::from_static(value)))
            .collect()
    }

    fn head(status: u16, headers: &HeaderMap) -> Option<Report> {
        HttpClassifier.head(StatusCode::from_u16(status).unwrap(), headers)
    }

    #[test]
    fn every_http_status_has_its_outcome() {
        for status in 100..1000 {
            let expected = match status {
                408 | 504 => Report::failure(FailureKind::Timeout),
                429 => Report::failure(FailureKind::Overload),
                501 => Report::SUCCESS,
                500..600 => Report::failure(FailureKind::Error),
                _ => Report::SUCCESS,
            };
            let report = head(status, &HeaderMap::new());
            assert_eq!(report, Some(expected), "{status}");
        }
    }

    #[test]
    fn every_grpc_code_has_its_outcome_in_trailers_and_alone_in_headers() {
        for code in GrpcCode::ALL {
            let expected = match code.number() {
                2 | 13 | 14 | 15 => Report::failure(FailureKind::Error),
                4 => Report::failure(FailureKind::Timeout),
                8 => Report::failure(FailureKind::Overload),
                1 => Report::IGNORED,
                _ => Report::SUCCESS,
            };
            let mut map = HeaderMap::from_iter([(grpc::STATUS, code.into())]);
            assert_eq!(HttpClassifier.trailers(&map), Some(expected), "{code}");

            map.insert(CONTENT_TYPE, grpc::CONTENT_TYPE);
            assert_eq!(head(200, &map), Some(expected), "{code}");
        }
    }

    #[test]
    fn a_grpc_head_without_a_status_leaves_the_outcome_open() {
        let grpc = headers([(CONTENT_TYPE, "application/grpc+proto")]);
        assert_eq!(head(200, &grpc), None);
    }

    #[test]
    fn a_grpc_answer_that_never_reached_the_service_is_read_as_http() {
        let grpc = headers([(CONTENT_TYPE, "application/grpc"), (RETRY_AFTER, "3")]);
        let report = Report::failure(FailureKind::Error);
        assert_eq!(
            head(503, &grpc),
            Some(report.retry_after(Some(Duration::from_secs(3))))
        );
    }

    #[test]
    fn a_grpc_status_outside_grpc_says_nothing() {
        let web = headers([(CONTENT_TYPE, "application/grpc-web"), (grpc::STATUS, "14")]);
        assert_eq!(head(200, &web), Some(Report::SUCCESS));
    }

    #[test]
    fn failures_carry_the_wait_that_was_asked_for() {
        let seconds = headers([(RETRY_AFTER, "2")]);
        let date = headers([
            (DATE, "Sun, 06 Nov 1994 12:00:00 GMT"),
            (RETRY_AFTER, "Sun, 06 Nov 1994 12:00:02 GMT"),
        ]);
        let pushback = headers([(grpc::STATUS, "14"), (grpc::PUSHBACK, "2000")]);
        for report in [
            head(429, &seconds),
            head(503, &seconds),
            head(503, &date),
            HttpClassifier.trailers(&pushback),
        ] {
            let wait = report.and_then(|report| report.retry_after);
            assert_eq!(wait, Some(Duration::from_secs(2)));
        }
    }

    #[test]
    fn a_wait_that_cannot_be_read_is_ignored() {
        let garbage = headers([
            (RETRY_AFTER, "soon"),
            (grpc::STATUS, "8"),
            (grpc::PUSHBACK, "soon"),
        ]);
        let expected = Some(Report::failure(FailureKind::Overload));
        assert_eq!(head(429, &garbage), expected);
        assert_eq!(HttpClassifier.trailers(&garbage), expected);
    }

    #[test]
    fn a_grpc_status_that_cannot_be_read_is_none() {
        let garbage = headers([(CONTENT_TYPE, "application/grpc"), (grpc::STATUS, "bad")]);
        assert_eq!(head(200, &garbage), None);
        assert_eq!(HttpClassifier.trailers(&garbage), None);
    }
}
