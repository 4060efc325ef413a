//! The bulkhead with other crates: on a real server, compared with other limits, and in metrics.
mod axum_server;
mod defects;
mod signals;
