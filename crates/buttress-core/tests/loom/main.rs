//! Every interleaving of small scenarios, and every value that the memory model allows a load to return.
//!
//! `RUSTFLAGS="--cfg buttress_loom" cargo test -p buttress-core --release --test loom`

#![cfg(buttress_loom)]

mod budget;
mod bulkhead;
mod chaos;
mod circuit;
mod shed;
