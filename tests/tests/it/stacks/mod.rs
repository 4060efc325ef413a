//! Stacked layers: their effects on each other, and the contract of a layer for the whole stack.
mod blame;
mod conformance;
mod from_file;
mod injected;
mod ordering;
mod report;
mod shaken;
