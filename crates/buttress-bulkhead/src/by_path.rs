use std::borrow::Cow;

use buttress_core::{BoxError, Deadline, Guard, Identify, Protocol};
use buttress_http::Http;
use http::{Request, Response};
use http_body::Body;

/// HTTP, with the first segment of the path as the key: `/checkout` of `/checkout/42`, and for gRPC the service.
#[derive(Debug, Clone, Default)]
pub struct ByPath {
    pub(crate) protocol: Http,
}

impl<B: Body> Protocol<Response<B>> for ByPath {
    type Response<G: Guard> = <Http as Protocol<Response<B>>>::Response<G>;

    #[inline]
    fn conclude<G: Guard>(
        &self,
        result: Result<Response<B>, BoxError>,
        guard: &mut Option<G>,
    ) -> Result<Self::Response<G>, BoxError> {
        self.protocol.conclude(result, guard)
    }
}

impl<B> Identify<Request<B>> for ByPath {
    fn identity(&self, request: &Request<B>) -> Option<u64> {
        self.protocol.identity(request)
    }

    fn deadline(&self, request: &Request<B>) -> Option<Deadline> {
        self.protocol.deadline(request)
    }

    fn key<'a>(&self, request: &'a Request<B>) -> Option<Cow<'a, str>> {
        Some(first_segment(request.uri().path()).into())
    }
}

fn first_segment(path: &str) -> &str {
    let end = path.bytes().skip(1).position(|byte| byte == b'/');
    end.map_or(path, |end| &path[..=end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_the_first_segment_with_its_slash() {
        for (path, key) in [
            ("/checkout", "/checkout"),
            ("/checkout/42", "/checkout"),
            ("/checkout/", "/checkout"),
            ("/package.Service/Method", "/package.Service"),
            ("/", "/"),
            ("//a", "/"),
            ("/ä/b", "/ä"),
            ("*", "*"),
            ("", ""),
        ] {
            assert_eq!(first_segment(path), key, "{path}");
        }
    }
}
