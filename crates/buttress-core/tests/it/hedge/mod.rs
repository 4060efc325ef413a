//! The extra load of hedging: never more than allowed, and spent on the slowest calls.

mod delay;
mod share;
mod traffic;

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use buttress_core::hedge::{HedgeDelay, HedgeRule};

/// Returns the instant at this offset from a fixed one. The clock is read once, since an `Instant` cannot be created
/// otherwise.
#[allow(clippy::disallowed_methods)]
fn at(time: Duration) -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    *EPOCH.get_or_init(Instant::now) + time
}

fn hedge(rule: HedgeRule) -> HedgeDelay {
    HedgeDelay::new(rule, at(Duration::ZERO)).expect("valid")
}
