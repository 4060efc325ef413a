use std::time::{Duration, SystemTime};

use buttress_metrics::Header;
use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue};

use crate::Malformed;
use crate::digits::{self, LONGEST_WAIT};

/// What a `Retry-After` header asks for (RFC 9110, section 10.2.3).
///
/// ```
/// use buttress_http::RetryAfter;
/// use http::header::{HeaderMap, HeaderValue, RETRY_AFTER};
/// use std::time::Duration;
///
/// let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static("120"))]);
/// let asked = RetryAfter::from_headers(&headers);
/// assert_eq!(asked, Some(Ok(RetryAfter::Wait(Duration::from_secs(120)))));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// Not before a date.
    Date(SystemTime),
    /// After this long; a year at most, which stands for anything longer.
    Wait(Duration),
}

impl RetryAfter {
    /// Reads `Retry-After`; `None` where it is absent.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<Result<Self, Malformed>> {
        let asked = Self::parse(headers.get(RETRY_AFTER)?);
        Some(asked.ok_or(Malformed::new(Header::RetryAfter)))
    }

    /// How long to wait when it is `now`. A date that is past asks for no wait, a wait for more than a year
    /// counts as a year.
    #[must_use]
    pub fn wait(self, now: SystemTime) -> Duration {
        match self {
            Self::Date(date) => date
                .duration_since(now)
                .unwrap_or(Duration::ZERO)
                .min(LONGEST_WAIT),
            Self::Wait(wait) => wait,
        }
    }

    /// How long to wait by the clock of the server that asked: a date is measured against the `Date` of the
    /// same response, so a server whose clock is wrong is still understood. Without a readable `Date`, a date
    /// says nothing.
    #[must_use]
    pub fn wait_by_date_of(self, headers: &HeaderMap) -> Option<Duration> {
        match self {
            Self::Date(_) => headers.get(DATE).and_then(date).map(|now| self.wait(now)),
            Self::Wait(wait) => Some(wait),
        }
    }

    fn parse(value: &HeaderValue) -> Option<Self> {
        if let Some(seconds) = digits::parse(value.as_bytes()) {
            return Some(Self::Wait(Duration::from_secs(seconds).min(LONGEST_WAIT)));
        }
        date(value).map(Self::Date)
    }
}

fn date(value: &HeaderValue) -> Option<SystemTime> {
    httpdate::parse_http_date(value.to_str().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use proptest::prelude::*;

    use super::*;

    const NOON: &str = "Sun, 06 Nov 1994 12:00:00 GMT";

    fn read(value: impl TryInto<HeaderValue>) -> Option<Result<RetryAfter, Malformed>> {
        let value = value.try_into().ok()?;
        RetryAfter::from_headers(&HeaderMap::from_iter([(RETRY_AFTER, value)]))
    }

    fn noon() -> SystemTime {
        httpdate::parse_http_date(NOON).unwrap()
    }

    #[test]
    fn seconds_are_a_wait() {
        for (value, seconds) in [("0", 0), ("7", 7), ("007", 7)] {
            let wait = Duration::from_secs(seconds);
            assert_eq!(read(value), Some(Ok(RetryAfter::Wait(wait))));
        }
    }

    #[test]
    fn a_date_is_read_in_each_of_its_three_forms() {
        for value in [
            NOON,
            "Sunday, 06-Nov-94 12:00:00 GMT",
            "Sun Nov  6 12:00:00 1994",
        ] {
            assert_eq!(read(value), Some(Ok(RetryAfter::Date(noon()))));
        }
    }

    #[test]
    fn anything_else_is_malformed() {
        for value in [
            "",
            "-1",
            "1.5",
            "soon",
            "5s",
            "Sun, 99 Nov 1994 12:00:00 GMT",
        ] {
            assert_eq!(
                read(value),
                Some(Err(Malformed::new(Header::RetryAfter))),
                "{value:?}"
            );
        }
    }

    #[test]
    fn an_absurd_wait_is_a_year() {
        assert_eq!(
            read("99999999999999999999999"),
            Some(Ok(RetryAfter::Wait(LONGEST_WAIT)))
        );
        let date = read("Fri, 31 Dec 9999 23:59:59 GMT").unwrap().unwrap();
        assert_eq!(date.wait(UNIX_EPOCH), LONGEST_WAIT);
    }

    #[test]
    fn a_date_that_is_past_asks_for_no_wait() {
        let later = noon() + Duration::from_secs(1);
        assert_eq!(RetryAfter::Date(noon()).wait(later), Duration::ZERO);
    }

    #[test]
    fn a_date_is_measured_against_the_date_of_the_response() {
        let after = RetryAfter::Date(noon());
        let sent = |value| HeaderMap::from_iter([(DATE, HeaderValue::from_static(value))]);

        let at_ten_to = sent("Sun, 06 Nov 1994 11:50:00 GMT");
        assert_eq!(
            after.wait_by_date_of(&at_ten_to),
            Some(Duration::from_secs(600))
        );
        assert_eq!(after.wait_by_date_of(&sent("today")), None);
        assert_eq!(after.wait_by_date_of(&HeaderMap::new()), None);
    }

    proptest! {
        #[test]
        fn every_wait_is_read_as_it_was_written(seconds in 0..=LONGEST_WAIT.as_secs()) {
            let expected = RetryAfter::Wait(Duration::from_secs(seconds));
            prop_assert_eq!(read(seconds.to_string()), Some(Ok(expected)));
        }

        #[test]
        fn every_date_is_read_as_it_was_written(seconds in 0..253_402_300_800_u64) {
            let date = UNIX_EPOCH + Duration::from_secs(seconds);
            let expected = RetryAfter::Date(date);
            prop_assert_eq!(read(httpdate::fmt_http_date(date)), Some(Ok(expected)));
        }

        #[test]
        fn no_value_makes_the_reader_panic(bytes: Vec<u8>, now: u32) {
            if let Some(Ok(after)) = read(bytes) {
                let now = UNIX_EPOCH + Duration::from_secs(now.into());
                prop_assert!(after.wait(now) <= LONGEST_WAIT);
            }
        }
    }
}
