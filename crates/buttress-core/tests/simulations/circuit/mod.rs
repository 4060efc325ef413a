//! The default breaker in front of a simulated dependency, beside other breakers with their defaults and no breaker.

mod breaker;
mod chain;
mod hasty;
mod peers;
mod recovery;
mod trips;

pub(crate) use chain::{a_failing_third_tier, a_stopped_second_tier, never_worse_than_none};
pub(crate) use hasty::a_hasty_caller;
pub(crate) use recovery::{a_fleet_after_an_outage, up_and_down};
pub(crate) use trips::{detection, false_openings, thin_traffic};

/// The mean over seeds that no constant was chosen with.
fn mean(simulate: impl Fn(u64) -> f64) -> f64 {
    SEEDS.map(&simulate).sum::<f64>() / SEEDS.count() as f64
}

const SEEDS: std::ops::Range<u64> = 7_000..7_010;
