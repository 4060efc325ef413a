//! The circuit against its model, and one test for each of its rules.

mod at_once;
mod config;
mod endings;
mod labels;
mod lease;
mod model;
mod refinement;
mod rules;

use std::sync::OnceLock;
use std::time::Instant;

/// A fixed instant to count from. The clock is read once, since an `Instant` cannot be created otherwise.
#[allow(clippy::disallowed_methods)]
fn epoch() -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    *EPOCH.get_or_init(Instant::now)
}
