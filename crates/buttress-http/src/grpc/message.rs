use std::borrow::Cow;

use http::{HeaderName, HeaderValue};

/// The header or trailer with the text of a gRPC status.
pub const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// Encodes `text` as a `grpc-message`: percent-encoded, as the gRPC HTTP/2 protocol requires, so that any text is a
/// valid header.
///
/// ```
/// use buttress_http::grpc::{decode_message, encode_message};
///
/// let value = encode_message("100 % über\n");
/// assert_eq!(value, "100 %25 %C3%BCber%0A");
/// assert_eq!(decode_message(&value), "100 % über\n");
/// ```
#[must_use]
pub fn encode_message(text: &str) -> HeaderValue {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";

    let mut encoded = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => encoded.push(byte),
            _ => encoded.extend([
                b'%',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 15)],
            ]),
        }
    }
    HeaderValue::from_bytes(&encoded).expect("only printable ASCII is left")
}

/// Decodes a `grpc-message`.
///
/// Never fails, as the protocol requires: an invalid escape is kept as it is, and invalid UTF-8 is replaced.
#[must_use]
pub fn decode_message(value: &HeaderValue) -> Cow<'_, str> {
    let bytes = value.as_bytes();
    if !bytes.contains(&b'%') {
        return String::from_utf8_lossy(bytes);
    }

    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, tail)) = rest.split_first() {
        let escaped = match tail {
            [high, low, ..] if byte == b'%' => unescape(*high, *low),
            _ => None,
        };
        decoded.push(escaped.unwrap_or(byte));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
}

fn unescape(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_invalid_escape_is_kept() {
        for (wire, text) in [
            ("%", "%"),
            ("50%", "50%"),
            ("%4", "%4"),
            ("%zz", "%zz"),
            ("%%41", "%A"),
            ("%c3%bc", "ü"),
            ("%FF", "\u{FFFD}"),
        ] {
            assert_eq!(decode_message(&HeaderValue::from_static(wire)), text);
        }
    }

    proptest! {
        #[test]
        fn every_text_is_read_as_it_was_written(text: String) {
            let value = encode_message(&text);
            prop_assert!(value.to_str().is_ok());
            prop_assert_eq!(decode_message(&value), text);
        }

        #[test]
        fn no_value_causes_a_panic(bytes: Vec<u8>) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let _ = decode_message(&value);
            }
        }
    }
}
