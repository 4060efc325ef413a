//! Shares of a limit, by criticality and by tenant: tables, and random histories. Their effect under overload is tested
//! in `tests/simulations`.

mod config;
mod criticality;
mod tenants;
