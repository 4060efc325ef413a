//! Stacks from a file: what is rejected, what is made, and what a reload changes.
#![cfg(all(feature = "config", feature = "reqwest"))]
#![allow(clippy::unwrap_used)]

mod arbitrary;
mod mistakes;
mod partitions;
mod reload;
mod shedders;
mod sockets;
