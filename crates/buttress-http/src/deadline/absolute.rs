use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Text;
use crate::digits;

/// Reads a date and time of RFC 3339: `2026-11-21T10:00:00.250Z`, with any fraction and any offset. Returns `None` if
/// it is malformed or outside the range of the system's clock.
///
/// A second of 60 is read as the one after 59, because the system's clock has no leap seconds.
#[must_use]
pub fn parse_rfc3339(value: &[u8]) -> Option<SystemTime> {
    let (date, rest) = value.split_at_checked(10)?;
    let (time, rest) = rest.split_at_checked(9)?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *date else {
        return None;
    };
    let [b'T' | b't' | b' ', h1, h2, b':', min1, min2, b':', s1, s2] = *time else {
        return None;
    };
    let year = number(&[y1, y2, y3, y4])?;
    let month = number(&[m1, m2]).filter(|month| (1..=12).contains(month))?;
    let day = number(&[d1, d2]).filter(|day| (1..=days_of(month, year)).contains(day))?;
    let hour = number(&[h1, h2]).filter(|hour| *hour < 24)?;
    let minute = number(&[min1, min2]).filter(|minute| *minute < 60)?;
    let second = number(&[s1, s2]).filter(|second| *second <= 60)?;
    let (nanos, rest) = fraction(rest)?;
    let offset = offset(rest)?;

    let seconds =
        days_since_epoch(year, month, day) * DAY + hour * 3_600 + minute * 60 + second - offset;
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let moment = if seconds < 0 {
        UNIX_EPOCH.checked_sub(whole)
    } else {
        UNIX_EPOCH.checked_add(whole)
    };
    moment?.checked_add(Duration::from_nanos(nanos))
}

/// Writes a moment in the format of RFC 3339, in UTC and rounded down to the millisecond. A moment outside the years
/// 1970 to 9999 is written as the nearest moment within.
#[must_use]
pub fn write_rfc3339(moment: SystemTime) -> Text {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let since = since.min(END_OF_9999);
    let seconds = since.as_secs();
    let (year, month, day) = date_of((seconds / DAY as u64) as i64);
    let second_of_day = seconds % DAY as u64;

    let mut text = Text::new();
    for (number, width, after) in [
        (year as u64, 4, b'-'),
        (month as u64, 2, b'-'),
        (day as u64, 2, b'T'),
        (second_of_day / 3_600, 2, b':'),
        (second_of_day / 60 % 60, 2, b':'),
        (second_of_day % 60, 2, b'.'),
        (since.subsec_millis().into(), 3, b'Z'),
    ] {
        text.push_number(number, width);
        text.push(after);
    }
    text
}

/// Parses digits only.
fn number(digits: &[u8]) -> Option<i64> {
    digits::parse(digits).and_then(|number| number.try_into().ok())
}

/// Splits a fraction, if there is one, from the rest, and returns its nanoseconds. Digits after the ninth are
/// dropped.
fn fraction(rest: &[u8]) -> Option<(u64, &[u8])> {
    let Some(rest) = rest.strip_prefix(b".") else {
        return Some((0, rest));
    };
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = rest.split_at(length);
    let kept = &digits[..length.min(9)];
    let scale = 10_u64.pow(9 - kept.len() as u32);
    Some((digits::parse(kept)? * scale, rest))
}

/// Returns the offset from UTC in seconds.
fn offset(rest: &[u8]) -> Option<i64> {
    let (sign, h1, h2, m1, m2) = match *rest {
        [b'Z' | b'z'] => return Some(0),
        [b'+', h1, h2, b':', m1, m2] => (1, h1, h2, m1, m2),
        [b'-', h1, h2, b':', m1, m2] => (-1, h1, h2, m1, m2),
        _ => return None,
    };
    let hours = number(&[h1, h2]).filter(|hours| *hours < 24)?;
    let minutes = number(&[m1, m2]).filter(|minutes| *minutes < 60)?;
    Some(sign * (hours * 3_600 + minutes * 60))
}

fn days_of(month: i64, year: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date. Years begin in March, so that a leap day is the last day of its year. Eras have
/// 400 years and are all the same (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * DAYS_OF_ERA + day_of_era - DAYS_TO_EPOCH
}

/// The date that is this many days after 1970-01-01: the inverse of [`days_since_epoch`].
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + DAYS_TO_EPOCH;
    let era = days.div_euclid(DAYS_OF_ERA);
    let day_of_era = days.rem_euclid(DAYS_OF_ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = (shifted_month + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

const DAY: i64 = 24 * 60 * 60;
/// Days in 400 years of the Gregorian calendar.
const DAYS_OF_ERA: i64 = 146_097;
/// Days from 1 March of the year 0 to 1970-01-01.
const DAYS_TO_EPOCH: i64 = 719_468;
/// 9999-12-31T23:59:59.999Z, after which a year has five digits.
const END_OF_9999: Duration = Duration::from_millis(253_402_300_799_999);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(value: &str) -> Option<i64> {
        let moment = parse_rfc3339(value.as_bytes())?;
        Some(match moment.duration_since(UNIX_EPOCH) {
            Ok(since) => since.as_secs() as i64,
            Err(before) => -(before.duration().as_secs() as i64),
        })
    }

    #[test]
    fn dates_are_read_like_gnu_date() {
        // The figures are from GNU date.
        for (value, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1969-12-31T23:59:59Z", -1),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("2026-11-21T10:00:00Z", 1_795_255_200),
            ("2026-11-21t10:00:00z", 1_795_255_200),
            ("2026-11-21 11:30:00+01:30", 1_795_255_200),
            ("2026-11-21T02:00:00.999-08:00", 1_795_255_200),
            ("2016-12-31T23:59:60Z", 1_483_228_800),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
            ("0000-01-01T00:00:00Z", -62_167_219_200),
        ] {
            assert_eq!(seconds(value), Some(expected), "{value}");
        }
    }

    #[test]
    fn a_fraction_has_any_number_of_digits() {
        let nanos = |value: &str| {
            let moment = parse_rfc3339(value.as_bytes())?;
            Some(moment.duration_since(UNIX_EPOCH).ok()?.as_nanos())
        };
        assert_eq!(nanos("1970-01-01T00:00:00.5Z"), Some(500_000_000));
        assert_eq!(nanos("1970-01-01T00:00:00.000000001Z"), Some(1));
        assert_eq!(nanos("1970-01-01T00:00:00.0000000019Z"), Some(1));
    }

    #[test]
    fn invalid_values_are_malformed() {
        for value in [
            "",
            "2026-11-21",
            "2026-11-21T10:00:00",
            "2026-11-21T10:00Z",
            "2026-11-21T10:00:00.Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-11-21T24:00:00Z",
            "2026-11-21T10:60:00Z",
            "2026-11-21T10:00:61Z",
            "2026-11-21T10:00:00+24:00",
            "2026-11-21T10:00:00+0100",
            "2026-11-21T10:00:00Z ",
            "-026-11-21T10:00:00Z",
            "1795255200",
            "Sat, 21 Nov 2026 10:00:00 GMT",
        ] {
            assert_eq!(seconds(value), None, "{value:?}");
        }
    }

    #[test]
    fn a_moment_out_of_range_is_clamped() {
        let before = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(write_rfc3339(before).as_str(), "1970-01-01T00:00:00.000Z");
        let after = UNIX_EPOCH + 2 * END_OF_9999;
        assert_eq!(write_rfc3339(after).as_str(), "9999-12-31T23:59:59.999Z");
    }

    proptest! {
        #[test]
        fn a_written_moment_is_read_back_and_never_later(millis in 0..=END_OF_9999.as_millis() as u64, nanos in 0..1_000_000_u64) {
            let whole = UNIX_EPOCH + Duration::from_millis(millis);
            let written = write_rfc3339(whole + Duration::from_nanos(nanos));
            prop_assert_eq!(parse_rfc3339(&written), Some(whole));
        }

        #[test]
        fn consecutive_days_have_consecutive_dates(days in -800_000..4_000_000_i64) {
            let (year, month, day) = date_of(days);
            prop_assert_eq!(days_since_epoch(year, month, day), days);
            prop_assert!((1..=12).contains(&month) && (1..=days_of(month, year)).contains(&day));
        }

        #[test]
        fn no_bytes_cause_a_panic(bytes: Vec<u8>) {
            let _ = parse_rfc3339(&bytes);
        }

        #[test]
        fn no_text_like_a_date_causes_a_panic(
            value in "[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{0,12})?(Z|[+-][0-9]{2}:[0-9]{2})"
        ) {
            let _ = parse_rfc3339(value.as_bytes());
        }
    }
}
