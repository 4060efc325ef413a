//! Shares of a limit, by criticality and by tenant: tables, and histories at random. What they are worth under overload
//! is in `tests/simulations`.

#![allow(
    clippy::disallowed_methods,
    reason = "a simulation needs some moment to begin at"
)]

mod config;
mod criticality;
mod tenants;
