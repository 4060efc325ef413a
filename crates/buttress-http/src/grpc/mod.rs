//! What gRPC writes into HTTP headers and trailers, read and written without a gRPC stack.
//!
//! Everything here reads what a stranger sent, so nothing here panics, whatever the bytes are.

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
