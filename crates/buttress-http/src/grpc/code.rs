use std::fmt;

use buttress_metrics::Header;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{Malformed, digits};

/// The header or trailer that carries a [`GrpcCode`].
pub const STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// The status code of a gRPC call.
///
/// The set is complete: the protocol defines these codes, and requires that any other is read as
/// [`Unknown`](Self::Unknown).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum GrpcCode {
    /// It succeeded.
    Ok = 0,
    /// It was cancelled, usually by the caller.
    Cancelled = 1,
    /// It failed for an unknown reason.
    Unknown = 2,
    /// The argument is invalid in any state of the system.
    InvalidArgument = 3,
    /// The deadline passed.
    DeadlineExceeded = 4,
    /// The requested entity does not exist.
    NotFound = 5,
    /// The entity to be created already exists.
    AlreadyExists = 6,
    /// The caller does not have permission.
    PermissionDenied = 7,
    /// A quota or the capacity of the server is exhausted.
    ResourceExhausted = 8,
    /// The system is not in the required state.
    FailedPrecondition = 9,
    /// The call conflicted with another, and may be retried from the start.
    Aborted = 10,
    /// The argument is out of range.
    OutOfRange = 11,
    /// The method is not implemented.
    Unimplemented = 12,
    /// An internal error of the server.
    Internal = 13,
    /// The server is currently unavailable.
    Unavailable = 14,
    /// Data is lost or corrupted permanently.
    DataLoss = 15,
    /// The caller is not authenticated.
    Unauthenticated = 16,
}

impl GrpcCode {
    /// All codes, in numeric order.
    pub const ALL: [Self; 17] = [
        Self::Ok,
        Self::Cancelled,
        Self::Unknown,
        Self::InvalidArgument,
        Self::DeadlineExceeded,
        Self::NotFound,
        Self::AlreadyExists,
        Self::PermissionDenied,
        Self::ResourceExhausted,
        Self::FailedPrecondition,
        Self::Aborted,
        Self::OutOfRange,
        Self::Unimplemented,
        Self::Internal,
        Self::Unavailable,
        Self::DataLoss,
        Self::Unauthenticated,
    ];

    /// Reads `grpc-status` from headers or trailers. Returns `None` if it is absent.
    ///
    /// ```
    /// use buttress_http::grpc::{GrpcCode, STATUS};
    /// use http::{HeaderMap, HeaderValue};
    ///
    /// let mut trailers = HeaderMap::new();
    /// assert_eq!(GrpcCode::from_headers(&trailers), None);
    ///
    /// trailers.insert(STATUS, HeaderValue::from_static("14"));
    /// assert_eq!(GrpcCode::from_headers(&trailers), Some(Ok(GrpcCode::Unavailable)));
    ///
    /// trailers.insert(STATUS, HeaderValue::from_static("fine"));
    /// assert!(GrpcCode::from_headers(&trailers).is_some_and(|code| code.is_err()));
    /// ```
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<Result<Self, Malformed>> {
        let value = headers.get(STATUS)?;
        let number = digits::parse(value.as_bytes()).ok_or(Malformed::new(Header::GrpcStatus));
        Some(number.map(Self::from_number))
    }

    /// Returns the number of the code on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Returns the name of the code in the protocol, for example `NOT_FOUND`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Cancelled => "CANCELLED",
            Self::Unknown => "UNKNOWN",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::Aborted => "ABORTED",
            Self::OutOfRange => "OUT_OF_RANGE",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Internal => "INTERNAL",
            Self::Unavailable => "UNAVAILABLE",
            Self::DataLoss => "DATA_LOSS",
            Self::Unauthenticated => "UNAUTHENTICATED",
        }
    }

    fn from_number(number: u64) -> Self {
        usize::try_from(number)
            .ok()
            .and_then(|index| Self::ALL.get(index).copied())
            .unwrap_or(Self::Unknown)
    }
}

/// A number without a code is [`Unknown`](GrpcCode::Unknown).
impl From<i32> for GrpcCode {
    fn from(number: i32) -> Self {
        u64::try_from(number).map_or(Self::Unknown, Self::from_number)
    }
}

impl From<GrpcCode> for HeaderValue {
    fn from(code: GrpcCode) -> Self {
        Self::from(u16::from(code.number()))
    }
}

impl fmt::Display for GrpcCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(value: HeaderValue) -> Option<Result<GrpcCode, Malformed>> {
        GrpcCode::from_headers(&HeaderMap::from_iter([(STATUS, value)]))
    }

    #[test]
    fn every_code_is_read_as_it_was_written() {
        for (number, code) in GrpcCode::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(code.number()), number);
            assert_eq!(read(code.into()), Some(Ok(code)));
        }
    }

    #[test]
    fn an_undefined_code_is_unknown() {
        for value in ["17", "255", "256", "99999999999999999999999"] {
            let value = HeaderValue::from_static(value);
            assert_eq!(read(value), Some(Ok(GrpcCode::Unknown)));
        }
    }

    #[test]
    fn a_code_that_is_not_a_number_is_malformed() {
        for value in ["", "-1", "0 ", "OK", "0x0", "1.0"] {
            let value = HeaderValue::from_static(value);
            assert_eq!(read(value), Some(Err(Malformed::new(Header::GrpcStatus))));
        }
    }

    proptest! {
        #[test]
        fn no_value_causes_a_panic(bytes: Vec<u8>) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                prop_assert!(read(value).is_some());
            }
        }
    }
}
