use buttress_core::Criticality;
use buttress_metrics::Header;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::Malformed;

/// The header with the criticality of a request: `x-criticality: critical`, `high`, `medium` or `low`.
///
/// There is no standard for it. `priority` of RFC 9218 orders the parts of a page, and `baggage` is forwarded without
/// being read.
pub const CRITICALITY: HeaderName = HeaderName::from_static("x-criticality");

/// Returns the criticality in the header, or `None` if there is no header.
///
/// # Errors
///
/// [`Malformed`] if the value is not a [criticality](Criticality::parse). If there is more than one field, the first
/// is used.
pub fn criticality_of(headers: &HeaderMap) -> Option<Result<Criticality, Malformed>> {
    let word = headers.get(CRITICALITY)?.as_bytes();
    let read = std::str::from_utf8(word).ok().and_then(Criticality::parse);
    Some(read.ok_or(Malformed::new(Header::XCriticality)))
}

/// Writes the criticality of a request, and replaces any earlier value.
pub fn write_criticality(headers: &mut HeaderMap, criticality: Criticality) {
    headers.insert(CRITICALITY, HeaderValue::from_static(criticality.as_str()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_criticality_is_read_back() {
        let mut headers = HeaderMap::new();
        assert!(criticality_of(&headers).is_none());
        for criticality in Criticality::ALL {
            write_criticality(&mut headers, criticality);
            assert_eq!(criticality_of(&headers), Some(Ok(criticality)));
        }
        assert_eq!(headers.len(), 1);
    }

    #[test]
    fn other_words_are_malformed() {
        for word in [&b""[..], b"urgent", b"high, low", b"\xFF\xFE", b"0"] {
            let mut headers = HeaderMap::new();
            headers.insert(CRITICALITY, HeaderValue::from_bytes(word).unwrap());
            let error = criticality_of(&headers).unwrap().unwrap_err();
            assert_eq!(error.header(), Header::XCriticality);
        }
    }
}
