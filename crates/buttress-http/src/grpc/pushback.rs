use std::time::Duration;

use buttress_metrics::Header;
use http::{HeaderMap, HeaderName};

use crate::Malformed;
use crate::digits::{self, LONGEST_WAIT};

/// The trailer with which a gRPC server delays or stops retries.
pub const PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");

/// A gRPC server's request to retry later, or not at all (gRFC A6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushback {
    /// Retry after this long. At most a year; a longer wait is read as a year.
    After(Duration),
    /// Do not retry.
    Stop,
}

impl Pushback {
    /// Reads `grpc-retry-pushback-ms`. Returns `None` if it is absent.
    ///
    /// A negative value is [`Stop`](Self::Stop). The protocol requires the same for a value that is not a number, so
    /// a client that retries reads a malformed value with `.unwrap_or(Pushback::Stop)`.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<Result<Self, Malformed>> {
        let value = headers.get(PUSHBACK)?.as_bytes();
        let pushback = match value.strip_prefix(b"-") {
            Some(magnitude) => digits::parse(magnitude).map(|_| Self::Stop),
            None => digits::parse(value)
                .map(|millis| Self::After(Duration::from_millis(millis).min(LONGEST_WAIT))),
        };
        Some(pushback.ok_or(Malformed::new(Header::GrpcRetryPushback)))
    }

    /// Returns the requested wait, if the server allows a retry.
    #[must_use]
    pub const fn after(self) -> Option<Duration> {
        match self {
            Self::After(wait) => Some(wait),
            Self::Stop => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn read(value: HeaderValue) -> Option<Result<Pushback, Malformed>> {
        Pushback::from_headers(&HeaderMap::from_iter([(PUSHBACK, value)]))
    }

    #[test]
    fn a_negative_value_stops_the_retry() {
        for value in ["-1", "-0", "-99999999999999999999999"] {
            let value = HeaderValue::from_static(value);
            assert_eq!(read(value), Some(Ok(Pushback::Stop)));
        }
    }

    #[test]
    fn garbage_is_malformed() {
        for value in ["", "-", "--1", "soon", "1.5", "1s", "+1"] {
            let value = HeaderValue::from_static(value);
            assert!(matches!(read(value), Some(Err(_))));
        }
    }

    #[test]
    fn a_huge_wait_saturates() {
        let value = HeaderValue::from_static("99999999999999999999999");
        assert_eq!(read(value), Some(Ok(Pushback::After(LONGEST_WAIT))));
    }

    proptest! {
        #[test]
        fn every_wait_is_read_as_it_was_written(millis: u32) {
            let expected = Pushback::After(Duration::from_millis(millis.into()));
            prop_assert_eq!(read(millis.into()), Some(Ok(expected)));
        }

        #[test]
        fn no_value_causes_a_panic(bytes: Vec<u8>) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                prop_assert!(read(value).is_some());
            }
        }
    }
}
