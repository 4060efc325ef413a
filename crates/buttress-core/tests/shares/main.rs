//! Shares of a limit, by criticality and by tenant: tables, histories at random, and what they are worth under
//! overload.
//!
//! `cargo test --release -p buttress-core --test shares -- --nocapture` prints the tables of the last.

#![allow(
    clippy::disallowed_methods,
    reason = "a simulation needs some moment to begin at"
)]

mod batch;
mod config;
mod criticality;
mod dice;
mod greedy;
mod tenants;
