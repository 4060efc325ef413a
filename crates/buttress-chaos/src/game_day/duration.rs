use std::time::Duration;

use serde::Deserialize;

/// A time as it stands in a file: a number and its unit.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Time(pub(super) Duration);

impl TryFrom<String> for Time {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let refuse = |what| format!("{text:?} is no time: {what}, as in \"250 ms\" or \"1.5 s\"");
        let text = text.trim();
        let unit_at = text
            .find(|c: char| c.is_ascii_alphabetic())
            .ok_or_else(|| refuse("it needs one of the units us, ms, s, min and h"))?;
        let (number, unit) = text.split_at(unit_at);
        let number: f64 = number
            .trim()
            .parse()
            .map_err(|_| refuse("it needs a number before the unit"))?;
        let seconds = match unit {
            "us" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "min" => 60.0,
            "h" => 3_600.0,
            _ => return Err(refuse("its unit must be us, ms, s, min or h")),
        };
        if number < 0.0 {
            return Err(refuse("it must not be negative"));
        }
        Duration::try_from_secs_f64(number * seconds)
            .map(Self)
            .map_err(|_| refuse("it is too long"))
    }
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
            let time = Time::try_from(text.to_owned()).unwrap();
            assert_eq!(time.0, Duration::from_micros(micros), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused_with_the_reason() {
        for (text, reason) in [
            ("-1 s", "negative"),
            ("5", "units"),
            ("", "units"),
            ("ms", "number"),
            ("1 day", "unit"),
            ("99999999999999999999 h", "too long"),
            ("one s", "number"),
        ] {
            let error = Time::try_from(text.to_owned()).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
