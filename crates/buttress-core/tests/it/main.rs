//! The rules: each against a naive model, with random histories and one test for each of its statements.

#![cfg(not(buttress_loom))]
#![allow(
    clippy::disallowed_methods,
    reason = "a test needs some moment to begin at"
)]

mod backoff;
mod budget;
mod bulkhead;
mod circuit;
mod deadline;
mod hedge;
mod limit;
mod quantile;
mod queue;
mod retry;
mod shares;
mod shed;
mod throttle;
mod window;
