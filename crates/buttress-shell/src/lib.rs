//! The parts that the layers of Buttress share, and that users do not name.
//!
//! This crate is internal: `buttress` and the layer crates depend on it, and it may change in any release. Users
//! should start with the `buttress` crate.

mod clock;
mod limiter;
mod lookout;
mod open_bodies;
mod refuse;
mod timer;

pub use clock::{now, random};
pub use limiter::{CallContext, Decision, Enter, LimitedFuture, Limiter, LimiterLease, Queued};
pub use lookout::Lookout;
pub use open_bodies::{OpenBodies, OpenBody, OpenStripe};
pub use refuse::{refuse, relinquish};
pub use timer::Timer;
