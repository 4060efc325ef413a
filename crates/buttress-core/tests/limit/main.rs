//! Limits against a simulated service, on a virtual clock and from fixed seeds.
//!
//! `cargo test --release -p buttress-core --test limit -- --nocapture` prints the tables.

#![allow(
    clippy::disallowed_methods,
    reason = "a simulation needs some moment to begin at"
)]

mod changes;
mod goodput;
mod rivals;
mod samples;
mod world;
