//! Stacks from a file: mistakes, layers, and reloads.
#![cfg(all(feature = "config", feature = "reqwest"))]
#![allow(clippy::unwrap_used)]

mod arbitrary;
mod mistakes;
mod partitions;
mod reload;
mod shedders;
mod sockets;
