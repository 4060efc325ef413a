//! Bodies that are sent more than once: each attempt sends the same frames.
#![allow(clippy::unwrap_used, reason = "a test panics if its set-up is wrong")]

mod frames;
mod hosts;
mod memory;
mod takeover;
