use std::error::Error;
use std::time::Duration;

use buttress_core::{FailureKind, Outcome, Rejection, Report, Scope, classify_known_error};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};

use crate::grpc::{self, GrpcCode, Pushback};
use crate::malformed::ignore_malformed;
use crate::{Classify, RetryAfter, cannot_be_sent};

/// The default [`Classify`]. A response is a failure if the service could not answer, not if the caller made a
/// mistake.
///
/// A response is read differently by a [client](Self::client), which measures a dependency, and by a
/// [server](Self::server), which measures itself.
///
/// | HTTP status | client | server |
/// |---|---|---|
/// | 408 | timeout | success: the caller was slow |
/// | 429 | overload | success: the caller sent too many requests |
/// | 501 | success: it is about the request | success |
/// | 503 with `Retry-After` | overload: the dependency is running, and requests a delay | error |
/// | 504 | timeout | timeout |
/// | any other 5xx | error | error |
/// | anything else | success | success |
///
/// | gRPC status | client | server |
/// |---|---|---|
/// | `DATA_LOSS`, `INTERNAL`, `UNKNOWN` | error | error |
/// | `UNAVAILABLE` | error, or overload with a pushback or `Retry-After` | error |
/// | `DEADLINE_EXCEEDED` | timeout | timeout |
/// | `RESOURCE_EXHAUSTED` | overload | success: the caller sent too many requests |
/// | `CANCELLED` | ignored | ignored |
/// | any other | success | success |
///
/// | error in place of a response | client | server |
/// |---|---|---|
/// | a [`Rejection`] by a limit of this instance | ignored: the dependency was not called | overload: it is a limit of this server |
/// | a `tonic::Status`, with the feature `tonic` | by its code | by its code |
/// | a URL that the connector cannot connect to, with the feature `hyper` | ignored: the caller's mistake | ignored |
/// | any other | by [`classify_error`](buttress_core::classify_error) | by `classify_error` |
///
/// On a server, a response that blames the caller is not overload. Otherwise, a server that sends 429 to one caller
/// would reject all others. A server's overload is measured by the latency of its calls and by the rejections of its
/// own limits.
///
/// A response is gRPC if its `content-type` is. Its status is in the trailers, or in the headers if there is only an
/// error to send. A response that has neither and whose status is not `200` is read as plain HTTP. For gRPC-Web, the
/// status in the headers is read, but not the one inside the body.
///
/// A failure has the wait that the dependency requests in `Retry-After` or `grpc-retry-pushback-ms`. A date in
/// `Retry-After` is measured against the `Date` of the same response, and ignored without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HttpClassifier {
    side: HttpSide,
}

/// Which responses are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum HttpSide {
    /// Responses of a dependency.
    #[default]
    Client,
    /// Responses of this service.
    Server,
}

impl HttpClassifier {
    /// Reads the responses of a dependency. This is the default.
    #[must_use]
    pub const fn client() -> Self {
        Self {
            side: HttpSide::Client,
        }
    }

    /// Reads the responses of this service.
    #[must_use]
    pub const fn server() -> Self {
        Self {
            side: HttpSide::Server,
        }
    }

    fn read_http(self, status: StatusCode, headers: &HeaderMap) -> Report {
        let kind = match (status, self.side) {
            (StatusCode::GATEWAY_TIMEOUT, _) | (StatusCode::REQUEST_TIMEOUT, HttpSide::Client) => {
                FailureKind::Timeout
            }
            (StatusCode::TOO_MANY_REQUESTS, HttpSide::Client) => FailureKind::Overload,
            (StatusCode::NOT_IMPLEMENTED, _) => return Report::SUCCESS,
            _ if status.is_server_error() => FailureKind::Error,
            _ => return Report::SUCCESS,
        };
        let asked = ignore_malformed(RetryAfter::from_headers(headers));
        let wait = asked.and_then(|asked| asked.wait_by_date_of(headers));
        self.failure(kind, status == StatusCode::SERVICE_UNAVAILABLE, wait)
    }

    fn read_grpc(self, headers: &HeaderMap) -> Option<Report> {
        let code = ignore_malformed(GrpcCode::from_headers(headers))?;
        Some(self.read_code(code, headers))
    }

    fn read_code(self, code: GrpcCode, headers: &HeaderMap) -> Report {
        let kind = match self.grpc_outcome(code) {
            Outcome::Failure(kind) => kind,
            outcome => return outcome.into(),
        };
        let asked = ignore_malformed(Pushback::from_headers(headers));
        let wait = asked.and_then(Pushback::after);
        self.failure(kind, code == GrpcCode::Unavailable, wait)
    }

    /// Returns a failure. For a client, `unavailable` with a requested wait is overload: the dependency is running.
    fn failure(self, kind: FailureKind, unavailable: bool, wait: Option<Duration>) -> Report {
        let kind = match self.side {
            HttpSide::Client if unavailable && wait.is_some() => FailureKind::Overload,
            HttpSide::Client | HttpSide::Server => kind,
        };
        Report::failure(kind).retry_after(wait)
    }

    fn grpc_outcome(self, code: GrpcCode) -> Outcome {
        match code {
            GrpcCode::DataLoss | GrpcCode::Internal | GrpcCode::Unavailable | GrpcCode::Unknown => {
                Outcome::Failure(FailureKind::Error)
            }
            GrpcCode::DeadlineExceeded => Outcome::Failure(FailureKind::Timeout),
            GrpcCode::ResourceExhausted => match self.side {
                HttpSide::Client => Outcome::Failure(FailureKind::Overload),
                HttpSide::Server => Outcome::Success,
            },
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

    /// Whether an error is a rejection by a limit of this server.
    fn is_own_overload(self, error: &(dyn Error + 'static)) -> bool {
        self.side == HttpSide::Server
            && Rejection::find(error).is_some_and(|rejection| {
                rejection.reason().is_overload() && rejection.scope() == Scope::Instance
            })
    }
}

impl Classify for HttpClassifier {
    fn head(&self, status: StatusCode, headers: &HeaderMap) -> Option<Report> {
        let content_type = headers.get(CONTENT_TYPE);
        if grpc::is_grpc(content_type) {
            let report = self.read_grpc(headers);
            if report.is_some() || status == StatusCode::OK {
                return report;
            }
        } else if grpc::is_grpc_web(content_type)
            && let Some(report) = self.read_grpc(headers)
        {
            return Some(report);
        }
        Some(self.read_http(status, headers))
    }

    fn trailers(&self, trailers: &HeaderMap) -> Option<Report> {
        self.read_grpc(trailers)
    }

    fn error(&self, error: &(dyn Error + 'static)) -> Report {
        if self.is_own_overload(error) {
            return Report::failure(FailureKind::Overload);
        }
        if cannot_be_sent(error) {
            return Report::IGNORED;
        }
        // A client library turns any error into a status, so the error itself is read first.
        classify_known_error(error)
            .or_else(|| {
                let status = grpc::status_of(error)?;
                Some(self.read_code(status.code, status.metadata))
            })
            .unwrap_or(Report::failure(FailureKind::Error))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use buttress_core::Reason;
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
        HttpClassifier::client().head(StatusCode::from_u16(status).unwrap(), headers)
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
            assert_eq!(
                HttpClassifier::client().trailers(&map),
                Some(expected),
                "{code}"
            );

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
    fn a_grpc_response_of_a_proxy_is_read_as_http() {
        let grpc = headers([(CONTENT_TYPE, "application/grpc"), (RETRY_AFTER, "3")]);
        let report = Report::failure(FailureKind::Overload);
        assert_eq!(
            head(503, &grpc),
            Some(report.retry_after(Some(Duration::from_secs(3))))
        );
    }

    #[test]
    fn a_grpc_status_outside_grpc_is_ignored() {
        let json = headers([(CONTENT_TYPE, "application/json"), (grpc::STATUS, "14")]);
        assert_eq!(head(200, &json), Some(Report::SUCCESS));
    }

    #[test]
    fn a_status_in_the_head_of_grpc_web_is_read() {
        for content_type in ["application/grpc-web+proto", "application/grpc-web-text"] {
            let down = headers([(CONTENT_TYPE, content_type), (grpc::STATUS, "14")]);
            assert_eq!(head(200, &down), Some(Report::failure(FailureKind::Error)));
            let open = headers([(CONTENT_TYPE, content_type)]);
            assert_eq!(head(200, &open), Some(Report::SUCCESS));
        }
    }

    #[test]
    fn a_response_that_blames_the_caller_is_no_overload_of_a_server() {
        let server = HttpClassifier::server();
        let wait = headers([(RETRY_AFTER, "3"), (grpc::PUSHBACK, "3000")]);
        let seconds = Some(Duration::from_secs(3));
        for status in 400..500 {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(
                server.head(status, &wait),
                Some(Report::SUCCESS),
                "{status}"
            );
        }
        let quota = headers([(grpc::STATUS, "8")]);
        assert_eq!(server.trailers(&quota), Some(Report::SUCCESS));
        let error = Report::failure(FailureKind::Error).retry_after(seconds);
        assert_eq!(
            server.head(StatusCode::SERVICE_UNAVAILABLE, &wait),
            Some(error)
        );
        let late = Report::failure(FailureKind::Timeout);
        let head = server.head(StatusCode::GATEWAY_TIMEOUT, &HeaderMap::new());
        assert_eq!(head, Some(late));
    }

    #[test]
    fn a_dependency_that_requests_a_wait_is_overloaded() {
        let wait = headers([(RETRY_AFTER, "3")]);
        let overload =
            Report::failure(FailureKind::Overload).retry_after(Some(Duration::from_secs(3)));
        assert_eq!(head(503, &wait), Some(overload));
        let error = overload.outcome;
        assert_ne!(head(500, &wait).map(|report| report.outcome), Some(error));
        let pushback = headers([(grpc::STATUS, "14"), (grpc::PUSHBACK, "3000")]);
        assert_eq!(HttpClassifier::client().trailers(&pushback), Some(overload));
        let stop = headers([(grpc::STATUS, "14"), (grpc::PUSHBACK, "-1")]);
        let error = Report::failure(FailureKind::Error);
        assert_eq!(HttpClassifier::client().trailers(&stop), Some(error));
    }

    #[test]
    fn a_rejection_by_a_servers_own_limit_is_overload() {
        for &reason in Reason::ALL {
            let rejection = Rejection::new(reason, "inner");
            let expected = match reason {
                Reason::DeadlineExceeded => Report::failure(FailureKind::Timeout),
                reason if reason.is_overload() => Report::failure(FailureKind::Overload),
                _ => Report::IGNORED,
            };
            assert_eq!(
                HttpClassifier::server().error(&rejection),
                expected,
                "{reason:?}"
            );
            let client = HttpClassifier::client().error(&rejection);
            assert_eq!(
                client,
                buttress_core::classify_error(&rejection),
                "{reason:?}"
            );
            let everywhere = rejection.with_scope(Scope::Cluster);
            assert_eq!(
                HttpClassifier::server().error(&everywhere),
                client,
                "{reason:?}"
            );
        }
    }

    #[test]
    fn failures_carry_the_requested_wait() {
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
            HttpClassifier::client().trailers(&pushback),
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
        assert_eq!(HttpClassifier::client().trailers(&garbage), expected);
    }

    #[test]
    fn a_grpc_status_that_cannot_be_read_is_none() {
        let garbage = headers([(CONTENT_TYPE, "application/grpc"), (grpc::STATUS, "bad")]);
        assert_eq!(head(200, &garbage), None);
        assert_eq!(HttpClassifier::client().trailers(&garbage), None);
    }
}
