//! Errors that become responses, for HTTP and gRPC.

mod body;
mod client;
mod common;
mod grpc;
mod hosts;
mod http;
mod log;
mod readiness;
mod reconfigure;
