//! What the layers of Buttress share and no user names.
//!
//! This crate is internal: `buttress` and the layer crates depend on it, and it may change in any release. Users start
//! at the `buttress` crate.

mod clock;
mod lookout;
mod open_bodies;
mod refuse;
mod timer;

pub use clock::now;
pub use lookout::Lookout;
pub use open_bodies::{OpenBodies, OpenBody, OpenStripe};
pub use refuse::{drop_refused, refuse, relinquish};
pub use timer::Timer;
