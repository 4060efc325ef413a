use http::HeaderValue;

/// The content type of a gRPC answer that a peer of any codec understands.
pub const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/grpc");

/// Whether a `content-type` is that of gRPC: `application/grpc`, alone or followed by a codec or parameters.
///
/// gRPC-Web is not: its trailers travel inside the body, and its callers see plain HTTP.
///
/// ```
/// use buttress_http::grpc::is_grpc;
/// use http::HeaderValue;
///
/// assert!(is_grpc(Some(&HeaderValue::from_static("application/grpc+proto"))));
/// assert!(!is_grpc(Some(&HeaderValue::from_static("application/grpc-web"))));
/// assert!(!is_grpc(None));
/// ```
#[must_use]
pub fn is_grpc(content_type: Option<&HeaderValue>) -> bool {
    const PREFIX: &[u8] = b"application/grpc";

    let Some((prefix, rest)) =
        content_type.and_then(|value| value.as_bytes().split_at_checked(PREFIX.len()))
    else {
        return false;
    };
    prefix.eq_ignore_ascii_case(PREFIX) && matches!(rest.first(), None | Some(b'+' | b';' | b' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(value: &'static str) -> bool {
        is_grpc(Some(&HeaderValue::from_static(value)))
    }

    #[test]
    fn grpc_is_known_by_its_prefix_and_what_follows() {
        for value in [
            "application/grpc",
            "application/grpc+proto",
            "application/grpc; charset=utf-8",
            "application/grpc ",
            "Application/GRPC+json",
        ] {
            assert!(reads(value), "{value}");
        }
    }

    #[test]
    fn what_only_looks_like_grpc_is_not() {
        for value in [
            "",
            "application/grp",
            "application/grpc-web",
            "application/grpc-web-text+proto",
            "application/grpcx",
            "application/json",
            "text/application/grpc",
        ] {
            assert!(!reads(value), "{value}");
        }
    }
}
