//! Shares of a limit, by criticality and by tenant: tables, and random histories. Their effect under overload is tested
//! in `tests/simulations`.

#![allow(
    clippy::disallowed_methods,
    reason = "a simulation needs some moment to begin at"
)]

mod config;
mod criticality;
mod tenants;
