//! Real hosts and real clients, on loopback.
#![allow(clippy::unwrap_used)]

mod axum_server;
mod cancellation;
mod hyper_ends;
mod reqwest_client;
mod support;
mod tonic_ends;
