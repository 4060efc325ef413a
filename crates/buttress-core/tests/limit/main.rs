//! How limits follow changes of a simulated service, with a virtual clock and fixed seeds. How much of a capacity they
//! use is tested in `tests/simulations`.

#![allow(
    clippy::disallowed_methods,
    reason = "a simulation needs some moment to begin at"
)]

mod changes;
mod other_algorithms;
mod overload;
mod samples;
mod world;
