//! How limits follow changes of a simulated service, with a virtual clock and fixed seeds. How much of a capacity they
//! use is tested in `tests/simulations`.

mod changes;
mod other_algorithms;
mod overload;
mod samples;
mod world;
