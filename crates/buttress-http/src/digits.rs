use std::time::Duration;

/// Parses a number of ASCII digits only. A number that is too large saturates.
pub(crate) fn parse(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |number, &byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        Some(number.saturating_mul(10).saturating_add(digit))
    })
}

/// The longest wait that a peer can request: a year. A longer wait has the same effect, but may overflow when it is
/// added to an instant.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_digits_make_a_number() {
        for text in ["", " 1", "1 ", "+1", "-1", "1.5", "0x1", "1e3", "١"] {
            assert_eq!(parse(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn a_number_too_large_saturates() {
        assert_eq!(parse(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(parse(b"18446744073709551616"), Some(u64::MAX));
        assert_eq!(parse(&[b'9'; 4096]), Some(u64::MAX));
    }

    proptest! {
        #[test]
        fn every_number_is_read_as_it_was_written(number: u64, zeros in 0..8_usize) {
            let text = format!("{}{number}", "0".repeat(zeros));
            prop_assert_eq!(parse(text.as_bytes()), Some(number));
        }
    }
}
