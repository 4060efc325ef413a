//! Shares of a limit by criticality and by tenant, under overload.

pub(crate) mod batch;
mod dice;
pub(crate) mod greedy;
