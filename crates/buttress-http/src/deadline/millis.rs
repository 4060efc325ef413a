use std::time::Duration;

use super::Text;
use crate::digits;

/// Reads whole milliseconds of at most `most_digits` digits. A number that is too large saturates. Returns `None` if
/// the value is malformed.
#[must_use]
pub fn parse_millis(value: &[u8], most_digits: usize) -> Option<Duration> {
    if value.len() > most_digits {
        return None;
    }
    digits::parse(value).map(Duration::from_millis)
}

/// Writes whole milliseconds, rounded down, and at most `most`.
#[must_use]
pub fn write_millis(timeout: Duration, most: u64) -> Text {
    let millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
    let mut text = Text::new();
    text.push_number(millis.min(most), 1);
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn invalid_values_are_malformed() {
        for value in ["", "-1", "1.5", "1m", " 1", "12345678901", "soon"] {
            assert_eq!(parse_millis(value.as_bytes(), 10), None, "{value:?}");
        }
    }

    #[test]
    fn a_number_too_large_saturates() {
        let longest = Duration::from_millis(u64::MAX);
        assert_eq!(parse_millis(&[b'9'; 64], 64), Some(longest));
        assert_eq!(
            write_millis(Duration::MAX, u64::MAX).as_str(),
            "18446744073709551615"
        );
        assert_eq!(
            write_millis(Duration::MAX, 9_999_999_999).as_str(),
            "9999999999"
        );
    }

    proptest! {
        #[test]
        fn a_written_timeout_is_read_back_and_never_longer(seconds in 0..u64::MAX / 1_000, nanos in 0..1_000_000_000_u32) {
            let timeout = Duration::new(seconds, nanos);
            let read = parse_millis(&write_millis(timeout, u64::MAX), usize::MAX).unwrap();
            prop_assert!(read <= timeout);
            prop_assert!(timeout - read < Duration::from_millis(1));
        }

        #[test]
        fn no_bytes_cause_a_panic(bytes: Vec<u8>, most_digits: usize) {
            let _ = parse_millis(&bytes, most_digits);
        }
    }
}
