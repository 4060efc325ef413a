//! The grammar of values in configuration files.

use std::time::Duration;

/// Parses a time: a number and its unit, one of `us`, `ms`, `s`, `min` and `h`.
///
/// ```
/// use std::time::Duration;
/// use buttress_core::text::parse_time;
///
/// assert_eq!(parse_time("250 ms"), Ok(Duration::from_millis(250)));
/// assert_eq!(parse_time("1.5s"), Ok(Duration::from_millis(1_500)));
/// assert!(parse_time("5").is_err());
/// ```
///
/// # Errors
///
/// What is wrong with the text, as a sentence that begins with "it".
pub fn parse_time(text: &str) -> Result<Duration, &'static str> {
    let text = text.trim();
    let unit_at = text
        .find(|c: char| c.is_ascii_alphabetic())
        .ok_or("it needs one of the units us, ms, s, min and h")?;
    let (number, unit) = text.split_at(unit_at);
    let number: f64 = number
        .trim()
        .parse()
        .map_err(|_| "it needs a number before the unit")?;
    let seconds = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "min" => 60.0,
        "h" => 3_600.0,
        _ => return Err("its unit must be us, ms, s, min or h"),
    };
    if number < 0.0 {
        return Err("it must not be negative");
    }
    Duration::try_from_secs_f64(number * seconds).map_err(|_| "it is too long")
}

/// The line and the column of a byte of `text`, both counted from 1, the column in characters.
#[must_use]
pub fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        for (text, micros) in [
            ("250 ms", 250_000),
            ("1.5s", 1_500_000),
            ("0 s", 0),
            ("3 us", 3),
            ("2 min", 120_000_000),
            (" 1 h ", 3_600_000_000),
        ] {
            assert_eq!(
                parse_time(text),
                Ok(Duration::from_micros(micros)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_time_is_rejected_with_the_reason() {
        for (text, reason) in [
            ("-1 s", "negative"),
            ("5", "units"),
            ("", "units"),
            ("ms", "number"),
            ("1 day", "unit"),
            ("99999999999999999999 h", "too long"),
            ("one s", "number"),
        ] {
            let error = parse_time(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn slots_are_counted_in_lines_and_characters() {
        let text = "a = 1\nü = 2";
        for (offset, place) in [
            (0, (1, 1)),
            (4, (1, 5)),
            (6, (2, 1)),
            (8, (2, 2)),
            (99, (2, 6)),
        ] {
            assert_eq!(line_and_column(text, offset), place, "{offset}");
        }
    }
}
