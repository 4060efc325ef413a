//! The bulkhead where it takes more than its own crate: on a real server, beside others, and as metrics show it.
#![allow(clippy::unwrap_used)]

mod axum_server;
mod defects;
mod signals;
