use http::HeaderValue;

/// The content type of a gRPC response that clients of any codec understand.
pub const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/grpc");

/// Returns whether a `content-type` is gRPC: `application/grpc`, optionally followed by a codec or parameters.
///
/// gRPC-Web is [another type](is_grpc_web): its trailers are inside the body.
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
    begins_with(content_type, b"application/grpc")
}

/// Returns whether a `content-type` is gRPC-Web, binary or text.
///
/// The head of such a response may have a `grpc-status`, like that of gRPC. Its trailers are part of its body.
#[must_use]
pub fn is_grpc_web(content_type: Option<&HeaderValue>) -> bool {
    begins_with(content_type, b"application/grpc-web")
        || begins_with(content_type, b"application/grpc-web-text")
}

/// Whether the type is `name`, optionally followed by a codec or parameters.
fn begins_with(content_type: Option<&HeaderValue>, name: &[u8]) -> bool {
    let Some((prefix, rest)) =
        content_type.and_then(|value| value.as_bytes().split_at_checked(name.len()))
    else {
        return false;
    };
    prefix.eq_ignore_ascii_case(name) && matches!(rest.first(), None | Some(b'+' | b';' | b' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(value: &'static str) -> bool {
        is_grpc(Some(&HeaderValue::from_static(value)))
    }

    #[test]
    fn grpc_is_recognized_by_its_prefix() {
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
    fn other_types_with_the_prefix_are_not_grpc() {
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

    #[test]
    fn grpc_web_is_distinguished_from_grpc() {
        for (value, is_web) in [
            ("application/grpc-web", true),
            ("application/grpc-web+proto", true),
            ("application/grpc-web-text", true),
            ("Application/gRPC-Web-Text+proto", true),
            ("application/grpc", false),
            ("application/grpc-website", false),
            ("application/json", false),
        ] {
            let value = HeaderValue::from_static(value);
            assert_eq!(is_grpc_web(Some(&value)), is_web, "{value:?}");
        }
    }
}
