use std::time::Duration;

use super::Text;
use crate::digits;

/// Reads the value of a `grpc-timeout`: one to eight digits and a unit, as in the gRPC HTTP/2 protocol. Returns
/// `None` if it is malformed.
///
/// ```
/// use buttress_http::deadline::parse_grpc_timeout;
/// use std::time::Duration;
///
/// assert_eq!(parse_grpc_timeout(b"200m"), Some(Duration::from_millis(200)));
/// assert_eq!(parse_grpc_timeout(b"123456789m"), None); // nine digits
/// ```
#[must_use]
pub fn parse_grpc_timeout(value: &[u8]) -> Option<Duration> {
    let (unit, number) = value.split_last()?;
    if number.len() > MOST_DIGITS {
        return None;
    }
    let number = digits::parse(number)?;
    Some(match unit {
        b'H' => Duration::from_secs(number * 3_600),
        b'M' => Duration::from_secs(number * 60),
        b'S' => Duration::from_secs(number),
        b'm' => Duration::from_millis(number),
        b'u' => Duration::from_micros(number),
        b'n' => Duration::from_nanos(number),
        _ => return None,
    })
}

/// Writes a `grpc-timeout` in the finest unit that fits into eight digits, rounded down. A timeout longer than 99 999
/// 999 hours is written as that.
///
/// ```
/// use buttress_http::deadline::write_grpc_timeout;
/// use std::time::Duration;
///
/// assert_eq!(write_grpc_timeout(Duration::from_millis(200)).as_str(), "200000u");
/// ```
#[must_use]
pub fn write_grpc_timeout(timeout: Duration) -> Text {
    let seconds = u128::from(timeout.as_secs());
    let units = [
        (timeout.as_nanos(), b'n'),
        (timeout.as_micros(), b'u'),
        (timeout.as_millis(), b'm'),
        (seconds, b'S'),
        (seconds / 60, b'M'),
        (seconds / 3_600, b'H'),
    ];
    let finest = units.into_iter().find(|(number, _)| *number <= MOST);
    let (number, unit) = finest.unwrap_or((MOST, b'H'));

    let mut text = Text::new();
    // It has at most eight digits, so nothing is lost.
    text.push_number(number as u64, 1);
    text.push(unit);
    text
}

const MOST_DIGITS: usize = 8;
const MOST: u128 = 99_999_999;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_unit_is_read() {
        for (value, expected) in [
            ("1H", Duration::from_secs(3_600)),
            ("2M", Duration::from_secs(120)),
            ("3S", Duration::from_secs(3)),
            ("4m", Duration::from_millis(4)),
            ("5u", Duration::from_micros(5)),
            ("6n", Duration::from_nanos(6)),
            ("0n", Duration::ZERO),
            ("00000000S", Duration::ZERO),
            ("00000007S", Duration::from_secs(7)),
            ("99999999H", Duration::from_secs(99_999_999 * 3_600)),
        ] {
            assert_eq!(
                parse_grpc_timeout(value.as_bytes()),
                Some(expected),
                "{value}"
            );
        }
    }

    #[test]
    fn invalid_values_are_malformed() {
        for value in [
            "",
            "m",
            "1",
            "12",
            "123456789m",
            "000000001S",
            "9223372036854775808n",
            "1s",
            "1h",
            "1x",
            "-1m",
            "+1m",
            " 1m",
            "1 m",
            "1m ",
            "1.5S",
            "0x1S",
            "mm",
            "1mm",
            "١S",
        ] {
            assert_eq!(parse_grpc_timeout(value.as_bytes()), None, "{value:?}");
        }
    }

    #[test]
    fn each_timeout_gets_the_finest_unit_that_fits() {
        for (timeout, written) in [
            (Duration::ZERO, "0n"),
            (Duration::from_nanos(99_999_999), "99999999n"),
            (Duration::from_nanos(100_000_999), "100000u"),
            (Duration::from_secs(99), "99000000u"),
            (Duration::from_secs(100), "100000m"),
            (Duration::from_secs(100_000), "100000S"),
            (Duration::from_secs(100_000_000), "1666666M"),
            (Duration::from_secs(99_999_999 * 60 + 60), "1666666H"),
            (Duration::from_nanos(1 << 63), "2562047H"),
            (Duration::MAX, "99999999H"),
        ] {
            assert_eq!(write_grpc_timeout(timeout).as_str(), written, "{timeout:?}");
        }
    }

    proptest! {
        #[test]
        fn a_written_timeout_is_read_back_and_never_longer(seconds: u64, nanos in 0..1_000_000_000_u32, shift in 0..64_u32) {
            let timeout = Duration::new(seconds >> shift, nanos);
            let written = write_grpc_timeout(timeout);
            let read = parse_grpc_timeout(&written).unwrap();
            prop_assert!(read <= timeout);
            // At least five digits are kept.
            if timeout < Duration::from_secs(99_999_999 * 3_600) {
                prop_assert!(timeout - read <= timeout / 100_000);
            }
        }

        #[test]
        fn no_bytes_cause_a_panic(bytes: Vec<u8>) {
            let _ = parse_grpc_timeout(&bytes);
        }

        #[test]
        fn no_digits_cause_a_panic(value in "[0-9]{0,10}[HMSmunx]?") {
            let read = parse_grpc_timeout(value.as_bytes());
            let digits = value.bytes().filter(u8::is_ascii_digit).count();
            let unit = value.bytes().last().is_some_and(|unit| b"HMSmun".contains(&unit));
            prop_assert_eq!(read.is_some(), unit && (1..=8).contains(&digits));
        }
    }
}
