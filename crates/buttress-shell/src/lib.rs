//! What the layers of Buttress share and no user names.
//!
//! This crate is internal: `buttress` and the layer crates depend on it, and it may change in any release. Users start
//! at the `buttress` crate.

mod refuse;

pub use refuse::{drop_refused, refuse, relinquish};
