//! How long to wait before each retry: invariant T5 of the conformance suite, and the experiment that its jitters
//! come from.

#![cfg(not(buttress_loom))]

mod bounds;
mod contention;
mod draws;
mod spread;
