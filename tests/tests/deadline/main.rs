//! Deadlines over real hosts and real clients, on loopback.
//!
//! Whatever has to be late here waits for ever, so nothing depends on how fast the machine is.
#![allow(clippy::unwrap_used)]

mod axum_server;
mod clients;
mod support;
mod tonic_ends;
