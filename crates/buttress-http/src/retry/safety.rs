use buttress_core::retry::Safety;
use http::{Method, Request};

/// An extension that states whether a request may be processed twice, if its method does not.
///
/// ```
/// use buttress_http::Idempotent;
/// use http::Request;
///
/// // A search, by POST because its query is long.
/// let request = Request::post("/search").extension(Idempotent(true)).body(()).unwrap();
/// # let _ = request;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Idempotent(pub bool);

/// Returns whether a request may be processed twice.
///
/// | the request has | safe |
/// |---|---|
/// | the extension [`Idempotent`] | the value of the extension |
/// | an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header) | yes |
/// | a method that is idempotent (RFC 9110, section 9.2.2): GET, HEAD, OPTIONS, TRACE, PUT, DELETE | yes |
/// | anything else | not declared |
#[must_use]
pub fn safety_of<B>(request: &Request<B>) -> Safety {
    match request.extensions().get() {
        Some(Idempotent(true)) => return Safety::Idempotent,
        Some(Idempotent(false)) => return Safety::Unsafe,
        None => {}
    }
    let has_key = || {
        let key = request.headers().get("idempotency-key");
        key.is_some_and(|key| !key.is_empty())
    };
    if is_idempotent(request.method()) || has_key() {
        Safety::Idempotent
    } else {
        Safety::Unknown
    }
}

/// Returns whether two copies of a request may be processed at the same time, as a hedge does.
///
/// Requires an idempotent method or the extension [`Idempotent`]. An `Idempotency-Key` is not enough: while the first
/// copy is processed, the second is a conflict.
#[must_use]
pub fn safe_at_once<B>(request: &Request<B>) -> bool {
    match request.extensions().get() {
        Some(Idempotent(marked)) => *marked,
        None => is_idempotent(request.method()),
    }
}

fn is_idempotent(method: &Method) -> bool {
    [
        Method::GET,
        Method::HEAD,
        Method::OPTIONS,
        Method::TRACE,
        Method::PUT,
        Method::DELETE,
    ]
    .contains(method)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_does_not_make_two_copies_at_once_safe() {
        let at_once = |builder: http::request::Builder| safe_at_once(&builder.body(()).unwrap());
        assert!(at_once(request("GET")));
        assert!(!at_once(request("POST").header("idempotency-key", "1")));
        assert!(at_once(request("POST").extension(Idempotent(true))));
        assert!(!at_once(request("GET").extension(Idempotent(false))));
    }

    fn request(method: &str) -> http::request::Builder {
        Request::builder().method(method)
    }

    fn safety(builder: http::request::Builder) -> Safety {
        safety_of(&builder.body(()).unwrap())
    }

    #[test]
    fn methods_are_idempotent_as_the_rfc_says() {
        for method in ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"] {
            assert_eq!(safety(request(method)), Safety::Idempotent, "{method}");
        }
        for method in ["POST", "PATCH", "CONNECT", "LOCK", "get"] {
            assert_eq!(safety(request(method)), Safety::Unknown, "{method}");
        }
    }

    #[test]
    fn a_key_makes_a_request_idempotent() {
        let keyed = request("POST").header("Idempotency-Key", "\"8e03978e\"");
        assert_eq!(safety(keyed), Safety::Idempotent);
        let empty = request("POST").header("Idempotency-Key", "");
        assert_eq!(safety(empty), Safety::Unknown);
    }

    #[test]
    fn a_mark_on_the_request_takes_precedence() {
        let unsafe_get = request("GET").extension(Idempotent(false));
        assert_eq!(safety(unsafe_get), Safety::Unsafe);
        let safe_post = request("POST").extension(Idempotent(true));
        assert_eq!(safety(safe_post), Safety::Idempotent);
    }
}
