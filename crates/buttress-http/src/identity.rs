use buttress_core::StableHash;
use http::{HeaderMap, HeaderName};

use crate::digits;

/// The number of the attempt that a request is, where the first is 1. Only those after the first have it.
pub const ATTEMPT: HeaderName = HeaderName::from_static("x-attempt");

/// Which attempt a request is, as [`ATTEMPT`] says: 1 where it says nothing that can be read.
#[must_use]
pub fn attempt_of(headers: &HeaderMap) -> u32 {
    let said = headers.get(ATTEMPT).map(http::HeaderValue::as_bytes);
    let number = said.and_then(digits::parse).unwrap_or(1);
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The identity of a request: a hash of its `x-request-id`, or else of the trace id in its `traceparent`. `None` if it
/// has neither.
///
/// Both travel unchanged from hop to hop and from attempt to attempt, so decisions that draw on this come out the
/// same everywhere. Of `traceparent` (W3C Trace Context) only the trace id does: the rest names the hop.
#[must_use]
pub fn request_identity(headers: &HeaderMap) -> Option<u64> {
    let id = match headers.get("x-request-id") {
        Some(id) if !id.is_empty() => id.as_bytes(),
        _ => trace_id(headers.get("traceparent")?.as_bytes())?,
    };
    Some(StableHash::new(0).field(id).finish())
}

/// The second of the fields, between the first two dashes: 32 digits.
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
    fn a_request_id_names_the_request() {
        let id = identity(&[("x-request-id", "a")]);
        assert!(id.is_some());
        assert_ne!(id, identity(&[("x-request-id", "b")]));
        assert_eq!(
            id,
            identity(&[("x-request-id", "a"), ("traceparent", TRACE)])
        );
    }

    #[test]
    fn a_trace_names_the_request_on_every_hop() {
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
