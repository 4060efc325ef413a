//! Reads and writes the HTTP headers and trailers of gRPC, without a gRPC stack.
//!
//! Peers may send anything, so no function here panics for any bytes.

mod code;
mod content_type;
mod error;
mod message;
mod pushback;

pub use code::{GrpcCode, STATUS};
pub use content_type::{CONTENT_TYPE, is_grpc, is_grpc_web};
pub use error::{ErrorStatus, status_of};
pub use message::{MESSAGE, decode_message, encode_message};
pub use pushback::{PUSHBACK, Pushback};
