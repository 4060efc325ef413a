//! Bodies that are sent more than once: each attempt sends what the first would have sent.
#![allow(
    clippy::unwrap_used,
    reason = "a test stops where its own set-up is wrong"
)]

mod frames;
mod hosts;
mod takeover;
