use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;

use buttress_core::FailureKind;
use buttress_core::Outcome;
use buttress_core::classify_known_error;
use buttress_core::retry::{Classification, RetryClass};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};

use super::{ClassifyRetry, forbids_retry, judge_http_error};
use crate::grpc::{self, GrpcCode, Pushback};
use crate::{Classify, HttpClassifier, RetryAfter};

/// The default [`ClassifyRetry`]: transient failures are retried.
///
/// | HTTP status | |
/// |---|---|
/// | 408, 425, 429, 502, 503, 504 | retried, if the request is [idempotent](crate::safety_of) |
/// | any other failure of [`HttpClassifier`] | not retried: a 500 comes from code that ran, and would fail again |
/// | anything else | no failure |
///
/// | gRPC code | |
/// |---|---|
/// | `UNAVAILABLE` | retried, if the request is [marked as idempotent](crate::Idempotent): the server may have processed it |
/// | `RESOURCE_EXHAUSTED` with `grpc-retry-pushback-ms` | the same. Without a pushback it may be a quota, which no retry refills |
/// | codes that are [listed](Self::codes) | retried, unless the request is marked as not idempotent |
/// | any other failure of [`HttpClassifier`] | not retried |
/// | anything else | no failure |
///
/// A gRPC code is read only from the head of a response without messages; a response with separate headers is
/// committed (gRFC A6). `Retry-After` and `grpc-retry-pushback-ms` are the requested wait. A response is not retried
/// if [`RETRY`](crate::RETRY), or the corresponding header of Envoy or Finagle, forbids it, or if its pushback is
/// negative or not a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryClassifier {
    statuses: Cow<'static, [StatusCode]>,
    /// A bit for the number of each listed code; `None` for the default.
    codes: Option<u32>,
}

impl RetryClassifier {
    /// The default.
    pub const DEFAULT: Self = Self {
        statuses: Cow::Borrowed(&[
            StatusCode::REQUEST_TIMEOUT,
            StatusCode::TOO_EARLY,
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::BAD_GATEWAY,
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::GATEWAY_TIMEOUT,
        ]),
        codes: None,
    };

    /// Sets the statuses that are retried, and replaces those above.
    #[must_use]
    pub fn statuses(mut self, statuses: impl Into<Vec<StatusCode>>) -> Self {
        self.statuses = Cow::Owned(statuses.into());
        self
    }

    /// Sets the codes that are retried, and replaces those above. Every method that is called through this classifier
    /// must be safe to retry on these codes, as in gRPC's own service config.
    #[must_use]
    pub fn codes(mut self, codes: impl IntoIterator<Item = GrpcCode>) -> Self {
        self.codes = Some(codes.into_iter().fold(0, |codes, code| codes | bit(code)));
        self
    }

    fn read_http(&self, status: StatusCode, headers: &HeaderMap) -> Classification {
        let kind = failure(status, headers);
        if !self.statuses.contains(&status) {
            return stands(kind);
        }
        if forbids_retry(headers) {
            return Classification::new(RetryClass::Forbidden);
        }
        let kind = kind.unwrap_or(FailureKind::Error);
        Classification::new(RetryClass::Transient(kind)).hint(retry_after(headers))
    }

    fn read_grpc(&self, code: GrpcCode, headers: &HeaderMap) -> Classification {
        let kind = failure(StatusCode::OK, headers);
        let pushback =
            Pushback::from_headers(headers).map(|pushback| pushback.unwrap_or(Pushback::Stop));
        let listed = self.codes.is_some_and(|codes| codes & bit(code) != 0);
        let may_pass = match code {
            GrpcCode::ResourceExhausted => pushback.is_some(),
            GrpcCode::Unavailable => self.codes.is_none(),
            _ => false,
        };
        if !listed && !may_pass {
            return stands(kind);
        }
        if pushback == Some(Pushback::Stop) || forbids_retry(headers) {
            return Classification::new(RetryClass::Forbidden);
        }
        let kind = kind.unwrap_or(FailureKind::Error);
        let class = if listed {
            RetryClass::Listed(kind)
        } else {
            RetryClass::Transient(kind)
        };
        Classification::new(class).hint(pushback.and_then(Pushback::after))
    }
}

impl Default for RetryClassifier {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl ClassifyRetry for RetryClassifier {
    fn head(&self, status: StatusCode, headers: &HeaderMap) -> Classification {
        let content_type = headers.get(CONTENT_TYPE);
        if grpc::is_grpc(content_type) || grpc::is_grpc_web(content_type) {
            match GrpcCode::from_headers(headers) {
                Some(code) => return self.read_grpc(code.unwrap_or(GrpcCode::Unknown), headers),
                None if status == StatusCode::OK => return Classification::FINAL,
                None => {}
            }
        }
        self.read_http(status, headers)
    }

    fn error(&self, error: &(dyn Error + 'static)) -> Classification {
        match (classify_known_error(error), grpc::status_of(error)) {
            (None, Some(status)) => self.head(StatusCode::OK, &status.to_headers()),
            _ => judge_http_error(error),
        }
    }
}

/// Returns the kind of failure of a head, if it is a failure.
fn failure(status: StatusCode, headers: &HeaderMap) -> Option<FailureKind> {
    match HttpClassifier::client().head(status, headers)?.outcome {
        Outcome::Failure(kind) => Some(kind),
        Outcome::Ignored | Outcome::Success => None,
    }
}

/// A result that is not retried: a failure or none.
fn stands(failure: Option<FailureKind>) -> Classification {
    match failure {
        Some(_) => Classification::new(RetryClass::Permanent),
        None => Classification::FINAL,
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let asked = RetryAfter::from_headers(headers)?.ok()?;
    asked.wait_by_date_of(headers)
}

const fn bit(code: GrpcCode) -> u32 {
    1 << code.number()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::{DATE, RETRY_AFTER};
    use proptest::prelude::*;

    use super::*;
    use crate::RETRY;

    const NOON: &str = "Sun, 06 Nov 1994 12:00:00 GMT";

    fn head(status: u16, headers: &[(http::HeaderName, &'static str)]) -> Classification {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect();
        RetryClassifier::DEFAULT.head(StatusCode::from_u16(status).unwrap(), &headers)
    }

    fn grpc(code: &'static str, more: &[(http::HeaderName, &'static str)]) -> Classification {
        let mut headers = vec![(CONTENT_TYPE, "application/grpc"), (grpc::STATUS, code)];
        headers.extend_from_slice(more);
        head(200, &headers)
    }

    #[test]
    fn every_http_status_has_its_class() {
        for status in 100..1000 {
            let expected = match status {
                408 | 504 => RetryClass::Transient(FailureKind::Timeout),
                425 | 502 | 503 => RetryClass::Transient(FailureKind::Error),
                429 => RetryClass::Transient(FailureKind::Overload),
                501 => RetryClass::Final,
                500..600 => RetryClass::Permanent,
                _ => RetryClass::Final,
            };
            assert_eq!(head(status, &[]).class, expected, "{status}");
        }
    }

    #[test]
    fn every_grpc_code_has_its_class() {
        for code in GrpcCode::ALL {
            let headers = HeaderMap::from_iter([
                (CONTENT_TYPE, grpc::CONTENT_TYPE),
                (grpc::STATUS, code.into()),
            ]);
            let expected = match code.number() {
                // The server may have processed it.
                14 => RetryClass::Transient(FailureKind::Error),
                2 | 4 | 8 | 13 | 15 => RetryClass::Permanent,
                _ => RetryClass::Final,
            };
            let verdict = RetryClassifier::DEFAULT.head(StatusCode::OK, &headers);
            assert_eq!(verdict.class, expected, "{code}");

            let listed = RetryClassifier::DEFAULT.codes([code]);
            let verdict = listed.head(StatusCode::OK, &headers);
            assert!(matches!(verdict.class, RetryClass::Listed(_)), "{code}");
            let others = RetryClassifier::DEFAULT.codes([]);
            let verdict = others.head(StatusCode::OK, &headers);
            assert!(verdict.class.kind().is_none(), "{code}");
        }
    }

    #[test]
    fn a_quota_failure_is_retried_only_with_a_hint() {
        let pushed = grpc("8", &[(grpc::PUSHBACK, "2000")]);
        assert_eq!(pushed.class, RetryClass::Transient(FailureKind::Overload));
        assert_eq!(pushed.hint, Some(Duration::from_secs(2)));
    }

    #[test]
    fn a_grpc_stream_with_a_head_is_committed() {
        let verdict = head(200, &[(CONTENT_TYPE, "application/grpc")]);
        assert_eq!(verdict, Classification::FINAL);
    }

    #[test]
    fn a_grpc_response_of_a_proxy_is_read_as_http() {
        let verdict = head(503, &[(CONTENT_TYPE, "application/grpc")]);
        assert_eq!(verdict.class, RetryClass::Transient(FailureKind::Error));
    }

    #[test]
    fn a_response_that_forbids_retries_is_not_retried() {
        for (name, value) in [
            (RETRY, "no"),
            (http::HeaderName::from_static("x-envoy-overloaded"), "true"),
        ] {
            let verdict = head(503, &[(name, value)]);
            assert_eq!(verdict.class, RetryClass::Forbidden, "{value}");
        }
        for pushback in ["-1", "soon", ""] {
            for code in ["14", "8"] {
                let verdict = grpc(code, &[(grpc::PUSHBACK, pushback)]);
                assert_eq!(verdict.class, RetryClass::Forbidden, "{pushback}");
            }
        }
        assert_eq!(head(200, &[(RETRY, "no")]), Classification::FINAL);
        let otherwise = head(503, &[(RETRY, "yes")]);
        assert_eq!(otherwise.class, RetryClass::Transient(FailureKind::Error));
    }

    #[test]
    fn a_requested_wait_is_read() {
        let hint = |headers: &[_]| head(503, headers).hint;
        let seconds = |n| Some(Duration::from_secs(n));
        assert_eq!(hint(&[(RETRY_AFTER, "7")]), seconds(7));
        let later = (RETRY_AFTER, "Sun, 06 Nov 1994 12:00:05 GMT");
        assert_eq!(hint(&[(DATE, NOON), later.clone()]), seconds(5));
        assert_eq!(hint(&[later]), None);
        let past = (RETRY_AFTER, "Sun, 06 Nov 1994 11:00:00 GMT");
        assert_eq!(hint(&[(DATE, NOON), past]), seconds(0));
        let year = seconds(365 * 24 * 60 * 60);
        let far = (RETRY_AFTER, "Sat, 06 Nov 2094 12:00:00 GMT");
        assert_eq!(hint(&[(DATE, NOON), far]), year);
        assert_eq!(hint(&[(RETRY_AFTER, "99999999999999999999999")]), year);
        for malformed in ["soon", "-1", "1.5", ""] {
            assert_eq!(hint(&[(RETRY_AFTER, malformed)]), None, "{malformed:?}");
        }
    }

    #[test]
    fn lists_are_replaced() {
        let classifier = RetryClassifier::default()
            .statuses([StatusCode::INTERNAL_SERVER_ERROR])
            .codes([GrpcCode::Aborted]);
        let head = |status, headers: &HeaderMap| classifier.head(status, headers).class;
        let none = HeaderMap::new();
        let transient = RetryClass::Transient(FailureKind::Error);
        assert_eq!(head(StatusCode::INTERNAL_SERVER_ERROR, &none), transient);
        assert_eq!(head(StatusCode::BAD_GATEWAY, &none), RetryClass::Permanent);
        let aborted = HeaderMap::from_iter([
            (CONTENT_TYPE, grpc::CONTENT_TYPE),
            (grpc::STATUS, GrpcCode::Aborted.into()),
        ]);
        assert_eq!(
            head(StatusCode::OK, &aborted),
            RetryClass::Listed(FailureKind::Error)
        );
    }

    proptest! {
        #[test]
        fn no_headers_cause_a_panic(
            status in 100..1000_u16,
            after: Vec<u8>,
            pushback: Vec<u8>,
            code: Vec<u8>,
            is_grpc: bool,
        ) {
            let mut headers = HeaderMap::new();
            if is_grpc {
                headers.insert(CONTENT_TYPE, grpc::CONTENT_TYPE);
            }
            for (name, value) in [
                (RETRY_AFTER, after),
                (grpc::PUSHBACK, pushback),
                (grpc::STATUS, code),
            ] {
                if let Ok(value) = HeaderValue::from_bytes(&value) {
                    headers.insert(name, value);
                }
            }
            let status = StatusCode::from_u16(status).unwrap();
            let _ = RetryClassifier::DEFAULT.head(status, &headers);
        }
    }
}
