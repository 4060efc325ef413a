//! Fuzzing of our layers and stacks, with random faults and random callers, in each mode.
//!
//! Each is fuzzed with [`SEEDS`] seeds, which takes some seconds in debug. To run more of them:
//!
//! ```sh
//! BUTTRESS_SEEDS=100000 cargo test --release -p buttress-tests --test it stacks::shaken
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

/// Fuzzes a stack, and asserts that no invariant was broken. Returns how often each was checked.
#[track_caller]
fn conforms(suite: Conformance) -> FuzzReport {
    let shaken = suite.shake(seeds());
    shaken.assert();
    shaken
}

/// Asserts that the fuzzer has checked each of these.
#[track_caller]
fn was_checked(shaken: &FuzzReport, invariants: &[&str]) {
    for invariant in invariants {
        assert!(shaken.tested(invariant) > 0, "{invariant}\n{shaken}");
    }
}

/// The open time in these tests.
const OPEN_FOR: Duration = Duration::from_secs(1);

/// Opens often, without randomness.
fn breaker(mode: Mode) -> BreakerConfig {
    BreakerConfig::default()
        .consecutive_failures(3)
        .open_for(OpenDuration::Fixed(OPEN_FOR))
        .probe_timeout(OPEN_FOR)
        .mode(mode)
}

/// Three attempts, without jitter, and with a budget that sometimes runs out.
fn retry(mode: Mode) -> RetryConfig {
    RetryConfig::default()
        .backoff(Backoff::default().jitter(Jitter::None))
        .budget(BudgetConfig::default().floor_per_second(1))
        .mode(mode)
}
