use std::time::{Duration, SystemTime, UNIX_EPOCH};

use buttress_metrics::Header;
use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue};

use crate::Malformed;
use crate::digits::{self, LONGEST_WAIT};

/// The value of a `Retry-After` header (RFC 9110, section 10.2.3).
///
/// ```
/// use buttress_http::RetryAfter;
/// use http::header::{HeaderMap, HeaderValue, RETRY_AFTER};
/// use std::time::Duration;
///
/// let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static("120"))]);
/// let retry_after = RetryAfter::from_headers(&headers);
/// assert_eq!(retry_after, Some(Ok(RetryAfter::Wait(Duration::from_secs(120)))));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// Retry at this date or later.
    Date(SystemTime),
    /// Retry after this long. At most a year; a longer wait is read as a year.
    Wait(Duration),
}

impl RetryAfter {
    /// Reads `Retry-After`. Returns `None` if it is absent.
    ///
    /// A year of two digits (RFC 850) is at most 50 years after the `Date` of the same headers (RFC 9110, section
    /// 5.6.7). Without a `Date` it is between 1970 and 2069, or in the century that matches its weekday.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<Result<Self, Malformed>> {
        let asked = Self::parse(headers.get(RETRY_AFTER)?, headers.get(DATE));
        Some(asked.ok_or(Malformed::new(Header::RetryAfter)))
    }

    /// Returns how long to wait at the time `now`. A date in the past is no wait, and a wait of more than a year is a
    /// year.
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

    /// Returns how long to wait by the clock of the server that sent the header: a date is measured against the
    /// `Date` of the same response, so a wrong server clock does not matter. Without a valid `Date`, a date is
    /// ignored.
    #[must_use]
    pub fn wait_by_date_of(self, headers: &HeaderMap) -> Option<Duration> {
        match self {
            Self::Date(_) => headers.get(DATE).and_then(date).map(|now| self.wait(now)),
            Self::Wait(wait) => Some(wait),
        }
    }

    fn parse(value: &HeaderValue, sent: Option<&HeaderValue>) -> Option<Self> {
        if let Some(seconds) = digits::parse(value.as_bytes()) {
            return Some(Self::Wait(Duration::from_secs(seconds).min(LONGEST_WAIT)));
        }
        let near = sent.and_then(date);
        let in_two_digits = near.and_then(|near| rfc850(value, near));
        in_two_digits.or_else(|| date(value)).map(Self::Date)
    }
}

fn date(value: &HeaderValue) -> Option<SystemTime> {
    let pivoted = httpdate::parse_http_date(value.to_str().ok()?).ok();
    pivoted.or_else(|| rfc850(value, UNIX_EPOCH + 100 * YEAR))
}

/// Reads a date with a year of two digits: the last one that is at most 50 years after `near`.
fn rfc850(value: &HeaderValue, near: SystemTime) -> Option<SystemTime> {
    let (weekday, rest) = value.to_str().ok()?.split_once(", ")?;
    let (date, time) = rest.split_once(' ')?;
    let [day, month, year] = *date.split('-').collect::<Vec<_>>() else {
        return None;
    };
    if year.len() != 2 || !weekday.ends_with("day") {
        return None;
    }
    let short = weekday.get(..3)?;
    let latest = near.checked_add(50 * YEAR)?;
    // The weekday also identifies the century, because 100 years are not a whole number of weeks.
    ["21", "20", "19"].iter().find_map(|century| {
        let date = format!("{short}, {day} {month} {century}{year} {time}");
        let date = httpdate::parse_http_date(&date).ok()?;
        (date <= latest).then_some(date)
    })
}

/// The average Gregorian year.
const YEAR: Duration = Duration::from_secs(31_556_952);

#[cfg(test)]
mod tests {
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
    fn a_year_of_two_digits_is_at_most_50_years_ahead() {
        for (sent, asked, expected) in [
            (
                Some("Sat, 28 Nov 2026 12:00:00 GMT"),
                "Wednesday, 06-Nov-75 12:00:00 GMT",
                "Wed, 06 Nov 2075 12:00:00 GMT",
            ),
            (
                Some("Sat, 28 Nov 2026 12:00:00 GMT"),
                "Sunday, 06-Nov-94 12:00:00 GMT",
                NOON,
            ),
            (
                Some("Tue, 31 Dec 2069 12:00:00 GMT"),
                "Wednesday, 01-Jan-70 12:00:00 GMT",
                "Wed, 01 Jan 2070 12:00:00 GMT",
            ),
            (
                Some("Tuesday, 31-Dec-69 12:00:00 GMT"),
                "Wednesday, 01-Jan-70 12:00:00 GMT",
                "Wed, 01 Jan 2070 12:00:00 GMT",
            ),
            (
                Some("Sun, 06 Nov 1994 12:00:00 GMT"),
                "Thursday, 06-Nov-75 12:00:00 GMT",
                "Thu, 06 Nov 1975 12:00:00 GMT",
            ),
            (None, "Sunday, 06-Nov-94 12:00:00 GMT", NOON),
            (
                None,
                "Wednesday, 06-Nov-75 12:00:00 GMT",
                "Wed, 06 Nov 2075 12:00:00 GMT",
            ),
        ] {
            let mut headers =
                HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(asked))]);
            if let Some(sent) = sent {
                headers.insert(DATE, HeaderValue::from_static(sent));
            }
            let expected = httpdate::parse_http_date(expected).unwrap();
            assert_eq!(
                RetryAfter::from_headers(&headers),
                Some(Ok(RetryAfter::Date(expected))),
                "{sent:?} {asked}"
            );
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
    fn a_huge_wait_is_a_year() {
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
        fn no_value_causes_a_panic(bytes: Vec<u8>, now: u32) {
            if let Some(Ok(after)) = read(bytes) {
                let now = UNIX_EPOCH + Duration::from_secs(now.into());
                prop_assert!(after.wait(now) <= LONGEST_WAIT);
            }
        }
    }
}
