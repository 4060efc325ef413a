//! The wait before each retry: invariant T5 of the conformance suite, and the experiment that the jitters are taken
//! from.

mod bounds;
mod contention;
mod draws;
mod spread;
