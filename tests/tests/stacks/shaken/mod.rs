//! Our own layers and stacks under random faults and random callers, in every mode.
//!
//! Each is shaken with [`SEEDS`], which takes some seconds in debug. More of them, for a night:
//!
//! ```sh
//! BUTTRESS_SEEDS=100000 cargo test --release -p buttress-tests --test stacks shaken
//! ```

mod breakers;
mod chaos;
mod limits;
mod retries;
mod stacks;

use std::ops::Range;
use std::time::Duration;

use buttress::prelude::*;
use buttress_testkit::{Conformance, FuzzReport};

/// The number of seeds, unless the variable sets another.
const SEEDS: u64 = 20;

const MODES: [Mode; 3] = [Mode::Off, Mode::Shadow, Mode::Enforce];

fn seeds() -> Range<u64> {
    let asked = std::env::var("BUTTRESS_SEEDS").ok();
    0..asked.map_or(SEEDS, |seeds| seeds.parse().expect("a number of seeds"))
}

/// Shakes a stack, and asserts that no invariant broke. Returns how often each was tested.
#[track_caller]
fn stands(suite: Conformance) -> FuzzReport {
    let shaken = suite.shake(seeds());
    shaken.assert();
    shaken
}

/// Shaking has put each of these to the test.
#[track_caller]
fn was_asked(shaken: &FuzzReport, invariants: &[&str]) {
    for invariant in invariants {
        assert!(shaken.tested(invariant) > 0, "{invariant}\n{shaken}");
    }
}

/// How long the circuits of these tests stay open.
const OPEN_FOR: Duration = Duration::from_secs(1);

/// Trips often, and rolls no dice.
fn breaker(mode: Mode) -> BreakerConfig {
    BreakerConfig::default()
        .consecutive_failures(3)
        .open_for(OpenDuration::Fixed(OPEN_FOR))
        .probe_timeout(OPEN_FOR)
        .mode(mode)
}

/// Three attempts, without dice, and with a budget that runs out now and then.
fn retry(mode: Mode) -> RetryConfig {
    RetryConfig::default()
        .backoff(Backoff::default().jitter(Jitter::None))
        .budget(BudgetConfig::default().floor_per_second(1))
        .mode(mode)
}
