//! The share of calls that are hedged.

use std::time::Duration;

use buttress_core::Ratio;
use buttress_core::hedge::HedgeRule;

use super::traffic::{Draws, Latency, run};
use super::{at, hedge};

const CALLS: u64 = 50_000;

fn of(percent: u8) -> HedgeRule {
    HedgeRule::default()
        .extra(Ratio::percent(percent))
        .min_delay(Duration::ZERO)
}

/// The share is never exceeded, and with a long tail nearly used up. With a short tail, as of uniform latencies, the
/// calls between the quantile and the end of its histogram step, a 32nd above, are not hedged.
#[test]
fn the_share_is_what_was_allowed_whatever_the_latencies() {
    for (latency, short) in [
        (Latency::Exponential, 0.0),
        (Latency::LogNormal, 0.0),
        (Latency::Pareto, 0.0),
        (Latency::Uniform, 1.0 / 32.0),
    ] {
        for percent in [1, 2, 5, 10, 20, 50] {
            let hedge = hedge(of(percent));
            let tally = run(&hedge, Duration::ZERO, CALLS, latency, 1, &mut Draws(1));
            let (share, allowed) = (tally.share(), f64::from(percent) / 100.0);
            assert!(share <= allowed, "{latency:?}, {percent} %: {share}");
            assert!(
                share >= allowed * 0.8 - short,
                "{latency:?}, {percent} %: {share}"
            );
        }
    }
}

/// The budget is spent on the slowest calls first. A tail smaller than the share is hedged completely. If the tail is
/// larger than the share, no call outlasts the quantile, which lies within the tail.
#[test]
fn of_two_kinds_of_calls_the_slow_ones_are_hedged_if_they_fit_in_the_share() {
    for (one_in, percent, expected) in [(50, 5, 0.02), (20, 10, 0.05), (10, 5, 0.0)] {
        let hedge = hedge(of(percent));
        let latency = Latency::Bimodal(one_in);
        let tally = run(&hedge, Duration::ZERO, CALLS, latency, 1, &mut Draws(2));
        assert!(
            (tally.share() - expected).abs() < 0.003,
            "1 in {one_in}: {tally:?}"
        );
    }
}

/// When all calls become ten times slower at once, all of them outlast the learned delay. The share holds until the
/// delay is learned again; after that, fewer than one call in a hundred exceeds the share.
#[test]
fn the_share_holds_while_everything_turns_slow() {
    let hedge = hedge(of(5));
    let mut draws = Draws(3);
    let calm = run(
        &hedge,
        Duration::ZERO,
        CALLS,
        Latency::LogNormal,
        1,
        &mut draws,
    );
    let slow = run(
        &hedge,
        Duration::from_secs(50),
        CALLS,
        Latency::LogNormal,
        10,
        &mut draws,
    );
    let after = run(
        &hedge,
        Duration::from_secs(100),
        CALLS,
        Latency::LogNormal,
        10,
        &mut draws,
    );
    assert!(slow.refused > 0, "{slow:?}");
    assert!(slow.share() <= 0.05 + 0.005, "{slow:?}");
    assert!(after.share() <= 0.05, "{after:?}");
    assert!(calm.share() <= 0.05, "{calm:?}");
    assert!(after.refused < CALLS / 100, "{after:?}");
}

/// A dependency where no call succeeds gets no extra load.
#[test]
fn what_fails_pays_for_nothing() {
    let hedge = hedge(of(10));
    for call in 0..1_000 {
        hedge.record(
            Duration::from_millis(call % 100),
            false,
            at(Duration::from_millis(call)),
        );
    }
    let now = at(Duration::from_secs(1));
    assert!(hedge.delay(now).is_some());
    assert!(hedge.reserve(now).is_err());
    (0..10).for_each(|_| hedge.record(Duration::ZERO, true, now));
    let reservation = hedge.reserve(now).expect("ten successes paid");
    assert!(hedge.reserve(now).is_err());
    hedge.refund(reservation, now);
    assert!(hedge.reserve(now).is_ok());
}
