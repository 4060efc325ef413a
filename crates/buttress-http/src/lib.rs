//! HTTP and gRPC for Buttress: the grammars of the headers that resilience needs.

mod digits;
pub mod grpc;
mod malformed;

pub use malformed::Malformed;
