//! Several crates together: over real sockets, in stacks, and beside their peers.

#![allow(clippy::unwrap_used, reason = "a test panics if its set-up is wrong")]

mod bulkhead;
mod chaos_defects;
mod deadline;
mod holding;
mod hosts;
mod peers;
mod retry_signals;
mod shed_signals;
mod stacks;
mod words;
