//! Deadlines with real hosts and real clients, on loopback.
//!
//! Whatever must be late here never ends, so no test depends on the speed of the machine.
mod axum_server;
mod clients;
mod support;
mod tonic_ends;
