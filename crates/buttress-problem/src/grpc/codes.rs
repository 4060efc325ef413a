//! Conversion between HTTP statuses and gRPC codes, as in `google/rpc/code.proto`.
//!
//! This is not the table of gRPC's `http-grpc-status-mapping.md`, which is for a client that receives a plain HTTP
//! response from a proxy, and maps 404 to `UNIMPLEMENTED`.

use buttress_http::grpc::GrpcCode;
use http::StatusCode;

/// Returns the code nearest to a status.
pub(crate) fn nearest(status: StatusCode) -> GrpcCode {
    match status.as_u16() {
        400 => GrpcCode::InvalidArgument,
        401 => GrpcCode::Unauthenticated,
        403 => GrpcCode::PermissionDenied,
        404 | 410 => GrpcCode::NotFound,
        405 | 415 | 501 => GrpcCode::Unimplemented,
        408 | 504 => GrpcCode::DeadlineExceeded,
        409 => GrpcCode::Aborted,
        413 | 429 | 431 => GrpcCode::ResourceExhausted,
        416 => GrpcCode::OutOfRange,
        499 => GrpcCode::Cancelled,
        502 | 503 => GrpcCode::Unavailable,
        _ if status.is_client_error() => GrpcCode::FailedPrecondition,
        _ if status.is_server_error() => GrpcCode::Internal,
        _ => GrpcCode::Unknown,
    }
}

/// Returns the status nearest to a code.
pub(crate) fn status(code: GrpcCode) -> StatusCode {
    match code {
        GrpcCode::Ok => StatusCode::OK,
        GrpcCode::Cancelled => client_closed_request(),
        GrpcCode::InvalidArgument | GrpcCode::FailedPrecondition => StatusCode::BAD_REQUEST,
        GrpcCode::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        GrpcCode::NotFound => StatusCode::NOT_FOUND,
        GrpcCode::AlreadyExists | GrpcCode::Aborted => StatusCode::CONFLICT,
        GrpcCode::PermissionDenied => StatusCode::FORBIDDEN,
        GrpcCode::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        GrpcCode::OutOfRange => StatusCode::RANGE_NOT_SATISFIABLE,
        GrpcCode::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        GrpcCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        GrpcCode::Unauthenticated => StatusCode::UNAUTHORIZED,
        GrpcCode::Unknown | GrpcCode::Internal | GrpcCode::DataLoss => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

/// The status that nginx logs when the client has closed the connection; the standard has none.
fn client_closed_request() -> StatusCode {
    StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_of_a_code_is_nearest_to_it_or_to_a_sibling() {
        for code in GrpcCode::ALL {
            let expected = match code {
                GrpcCode::Ok => GrpcCode::Unknown,
                GrpcCode::FailedPrecondition => GrpcCode::InvalidArgument,
                GrpcCode::AlreadyExists => GrpcCode::Aborted,
                GrpcCode::Unknown | GrpcCode::DataLoss => GrpcCode::Internal,
                code => code,
            };
            assert_eq!(nearest(status(code)), expected, "{code}");
        }
    }

    #[test]
    fn no_error_status_is_a_success_in_grpc() {
        for status in 400..=999 {
            let status = StatusCode::from_u16(status).unwrap();
            assert_ne!(nearest(status), GrpcCode::Ok);
        }
    }
}
