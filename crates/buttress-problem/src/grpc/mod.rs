//! Problems in gRPC: a response with trailers only, with status, pushback and details.

pub(crate) mod codes;
mod details;
mod response;
mod wire;

pub(crate) use response::{read, response};
