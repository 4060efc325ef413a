//! Layers on top of each other: what each sees of the others, and that together they keep the contract too.
#![allow(clippy::unwrap_used)]

mod blame;
mod conformance;
mod from_file;
mod injected;
mod ordering;
mod report;
mod shaken;
