//! How limits follow changes of a simulated service, on a virtual clock and from fixed seeds. How much they make of a
//! capacity is in `tests/simulations`.

#![allow(
    clippy::disallowed_methods,
    reason = "a simulation needs some moment to begin at"
)]

mod changes;
mod other_algorithms;
mod overload;
mod samples;
mod world;
