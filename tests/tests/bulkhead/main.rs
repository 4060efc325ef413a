//! The bulkhead with other crates: on a real server, compared with other limits, and in metrics.
#![allow(clippy::unwrap_used)]

mod axum_server;
mod defects;
mod signals;
