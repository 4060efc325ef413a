use buttress_core::StableHash;
use http::{HeaderMap, HeaderName};

use crate::digits;

/// The header with the number of the attempt; the first is 1. Only later attempts have it.
pub const ATTEMPT: HeaderName = HeaderName::from_static("x-attempt");

/// Returns the number of the attempt in [`ATTEMPT`], or 1 if it is absent or malformed.
#[must_use]
pub fn attempt_of(headers: &HeaderMap) -> u32 {
    let said = headers.get(ATTEMPT).map(http::HeaderValue::as_bytes);
    let number = said.and_then(digits::parse).unwrap_or(1);
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Returns the identity of a request: a hash of its `x-request-id`, or of the trace id in its `traceparent`. `None`
/// if it has neither.
///
/// Both are the same on each hop and for each attempt, so a decision that is derived from the identity is the same
/// everywhere. Only the trace id of `traceparent` (W3C Trace Context) is used: the rest differs on each hop.
#[must_use]
pub fn request_identity(headers: &HeaderMap) -> Option<u64> {
    let id = match headers.get("x-request-id") {
        Some(id) if !id.is_empty() => id.as_bytes(),
        _ => trace_id(headers.get("traceparent")?.as_bytes())?,
    };
    Some(StableHash::new(0).field(id).finish())
}

/// The second field of `traceparent`: 32 digits.
fn trace_id(traceparent: &[u8]) -> Option<&[u8]> {
    let id = traceparent.split(|byte| *byte == b'-').nth(1)?;
    (id.len() == 32).then_some(id)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn identity(headers: &[(&'static str, &'static str)]) -> Option<u64> {
        let map = headers
            .iter()
            .map(|&(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .collect();
        request_identity(&map)
    }

    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const NEXT_HOP: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-b7ad6b7169203331-00";

    #[test]
    fn a_request_id_identifies_the_request() {
        let id = identity(&[("x-request-id", "a")]);
        assert!(id.is_some());
        assert_ne!(id, identity(&[("x-request-id", "b")]));
        assert_eq!(
            id,
            identity(&[("x-request-id", "a"), ("traceparent", TRACE)])
        );
    }

    #[test]
    fn a_trace_id_identifies_the_request_on_every_hop() {
        let id = identity(&[("traceparent", TRACE)]);
        assert!(id.is_some());
        assert_eq!(id, identity(&[("traceparent", NEXT_HOP)]));
        assert_eq!(
            id,
            identity(&[("x-request-id", ""), ("traceparent", NEXT_HOP)])
        );
    }

    #[test]
    fn an_attempt_that_cannot_be_read_is_the_first() {
        for (said, number) in [("3", 3), ("", 1), ("two", 1), ("99999999999", u32::MAX)] {
            let headers = HeaderMap::from_iter([(ATTEMPT, HeaderValue::from_static(said))]);
            assert_eq!(attempt_of(&headers), number, "{said}");
        }
        assert_eq!(attempt_of(&HeaderMap::new()), 1);
    }

    #[test]
    fn a_request_without_an_id_has_no_identity() {
        assert_eq!(identity(&[]), None);
        assert_eq!(identity(&[("traceparent", "00-12-34-01")]), None);
        assert_eq!(identity(&[("traceparent", "")]), None);
    }
}
