use std::fmt::Write;

use buttress::chaos::{Plan, Subject};
use buttress::http::request_identity;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::traffic::Request;

/// The header with the identity of a request, for all decisions about it.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Returns the faults that the plan has for a request, by name, or `None`. The injector uses the same pure function
/// with the same seed and identity, so this is what it decides when the request arrives, in any order and for any
/// number of attempts.
pub(crate) fn decide(plan: &Plan, request: &Request) -> Option<String> {
    let mut headers = HeaderMap::new();
    headers.insert(REQUEST_ID, HeaderValue::from_str(&request.id).ok()?);
    let identity = request_identity(&headers)?;
    let path = request.path();
    let head = Head { path, headers };
    let decision = plan.decide(&head, identity);
    let names: Vec<_> = decision.names().map(|name| name.as_str()).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// Writes one line for each request that is due while the plan is armed.
pub(crate) fn log<'a>(
    decided: impl IntoIterator<Item = (&'a Request, &'a Option<String>)>,
) -> String {
    let mut log = String::new();
    let armed = decided.into_iter().filter(|(request, _)| request.armed);
    for (request, fault) in armed {
        // Writing to a String cannot fail.
        let _ = writeln!(log, "{} {}", request.id, fault.as_deref().unwrap_or("-"));
    }
    log
}

struct Head {
    path: String,
    headers: HeaderMap,
}

impl Subject for Head {
    fn method(&self) -> Option<&str> {
        Some(Method::GET.as_str())
    }

    fn path(&self) -> Option<&str> {
        Some(&self.path)
    }

    fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.get(name).map(HeaderValue::as_bytes)
    }
}
