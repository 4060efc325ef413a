use std::fmt;
use std::time::Duration;

use super::latency::{Latency, bounded};
use crate::{ConfigError, Name};

/// A fault to inject. A call can have one fault of each kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// The layer responds itself, and the inner service is not called.
    Answer(Answer),
    /// The fault is injected into the body of its response.
    Body(BodyFault),
    /// The call is delayed.
    Delay(Latency),
}

/// A response in place of that of the inner service.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// An error as of a connection that was aborted, which counts as a transport failure.
    Abort,
    /// A [`Rejection`](crate::Rejection) for [`FaultInjected`](crate::Reason::FaultInjected), which a
    /// problem layer turns into a problem document.
    Error,
    /// A gRPC response of trailers only, with this code and message. HTTP only.
    GrpcStatus {
        /// From 1 to 16.
        code: u8,
        /// The value of `grpc-message`.
        message: Name,
    },
    /// No response, for as long as the caller waits.
    Hang,
    /// A panic, in the poll of the response.
    Panic,
    /// An HTTP response with this status and an empty body, from 400 to 599. HTTP only.
    Status(u16),
}

/// A fault in the body of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFault {
    /// The gRPC status in its trailers becomes this one; trailers without one get it.
    AlterTrailers {
        /// From 0 to 16.
        grpc_status: u8,
    },
    /// All bits of the byte after `after` bytes are flipped.
    Corrupt {
        /// The number of bytes that pass unchanged.
        after: u64,
    },
    /// The body is slowed down.
    Drip {
        /// The number of bytes in a chunk.
        bytes: u32,
        /// The delay between two chunks.
        every: Duration,
    },
    /// The trailers are removed.
    LoseTrailers,
    /// After `after` bytes it ends with the error of a connection that was reset.
    Reset {
        /// The number of bytes that pass.
        after: u64,
    },
    /// After `after` bytes it stalls for a time.
    Stall {
        /// The number of bytes that pass.
        after: u64,
        /// The length of the stall. The rest follows after it.
        lasting: Duration,
    },
    /// After `after` bytes it ends without an error and without trailers.
    Truncate {
        /// The number of bytes that pass.
        after: u64,
    },
    /// Its `content-length` exceeds the length of the body by this many bytes.
    WrongLength {
        /// The number of bytes.
        excess: u32,
    },
}

impl Fault {
    /// Whether two faults cannot both be injected into one call.
    pub(super) fn excludes(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// The kinds of which a call can have only one fault.
    pub(super) fn family(&self) -> &'static str {
        match self {
            Self::Answer(_) => "answer",
            Self::Body(_) => "fault in its body",
            Self::Delay(_) => "delay",
        }
    }

    /// The fault as a metric label and in the log.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Answer(Answer::Abort) => "abort",
            Self::Answer(Answer::Error) => "error",
            Self::Answer(Answer::GrpcStatus { .. }) => "grpc_status",
            Self::Answer(Answer::Hang) => "hang",
            Self::Answer(Answer::Panic) => "panic",
            Self::Answer(Answer::Status(_)) => "status",
            Self::Body(BodyFault::AlterTrailers { .. }) => "alter_trailers",
            Self::Body(BodyFault::Corrupt { .. }) => "corrupt",
            Self::Body(BodyFault::Drip { .. }) => "drip",
            Self::Body(BodyFault::LoseTrailers) => "lose_trailers",
            Self::Body(BodyFault::Reset { .. }) => "reset",
            Self::Body(BodyFault::Stall { .. }) => "stall",
            Self::Body(BodyFault::Truncate { .. }) => "truncate",
            Self::Body(BodyFault::WrongLength { .. }) => "wrong_length",
            Self::Delay(_) => "delay",
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        match self {
            Self::Answer(Answer::GrpcStatus { code, .. }) if !(1..=16).contains(code) => {
                Err(ConfigError::new("grpc_status", code, "from 1 to 16"))
            }
            Self::Answer(Answer::Status(status)) if !(400..=599).contains(status) => {
                Err(ConfigError::new("status", status, "from 400 to 599"))
            }
            Self::Answer(_) => Ok(()),
            Self::Body(fault) => fault.check(),
            Self::Delay(latency) => latency.check(),
        }
    }
}

/// The fault, with its parameters.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        match self {
            Self::Answer(Answer::GrpcStatus { code, .. }) => write!(f, " {code}"),
            Self::Answer(Answer::Status(status)) => write!(f, " {status}"),
            Self::Answer(_) | Self::Body(BodyFault::LoseTrailers) => Ok(()),
            Self::Body(BodyFault::AlterTrailers { grpc_status }) => write!(f, " to {grpc_status}"),
            Self::Body(
                BodyFault::Corrupt { after }
                | BodyFault::Reset { after }
                | BodyFault::Truncate { after },
            ) => write!(f, " after {after} bytes"),
            Self::Body(BodyFault::Drip { bytes, every }) => {
                write!(f, " of {bytes} bytes every {every:?}")
            }
            Self::Body(BodyFault::Stall { after, lasting }) => {
                write!(f, " of {lasting:?} after {after} bytes")
            }
            Self::Body(BodyFault::WrongLength { excess }) => write!(f, " by {excess}"),
            Self::Delay(latency) => write!(f, " of {latency}"),
        }
    }
}

impl BodyFault {
    fn check(self) -> Result<(), ConfigError> {
        match self {
            Self::AlterTrailers { grpc_status } if grpc_status > 16 => Err(ConfigError::new(
                "alter_trailers.grpc_status",
                grpc_status,
                "from 0 to 16",
            )),
            Self::Drip { bytes: 0, .. } => Err(ConfigError::new("drip.bytes", 0, "at least 1")),
            Self::Drip { every, .. } => bounded("drip.every", every),
            Self::Stall { lasting, .. } => bounded("stall.lasting", lasting),
            Self::WrongLength { excess: 0 } => {
                Err(ConfigError::new("wrong_length.excess", 0, "at least 1"))
            }
            _ => Ok(()),
        }
    }
}
