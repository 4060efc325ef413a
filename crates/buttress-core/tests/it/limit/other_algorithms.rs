//! Known defects of other adaptive limits, and the values that those limits publish.

use std::time::{Duration, Instant};

use buttress_core::limit::{Limit, LimitConfig, Sample};
use buttress_core::{FailureKind, Outcome};

const MS: Duration = Duration::from_millis(1);

/// Feeds the same sample to a limit until a window is full. Returns the new limit.
fn window(limit: &Limit, now: &mut Instant, sample: Sample) -> u64 {
    for _ in 0..20_000 {
        *now += MS;
        if limit.on_sample(|| *now, sample).is_some() {
            return limit.limit();
        }
    }
    panic!("no window ends: {limit:?}");
}

fn dropped(rtt: Duration, in_flight: u64) -> Sample {
    let sample = Sample::of(Outcome::Failure(FailureKind::Overload), rtt, in_flight);
    sample.expect("an overload is a sample")
}

fn every_rule() -> [LimitConfig; 4] {
    [
        LimitConfig::aimd(Duration::from_secs(1)),
        LimitConfig::gradient(),
        LimitConfig::guarded(),
        LimitConfig::vegas(),
    ]
}

/// L1. The steps that Netflix's concurrency-limits asserts of its `AIMDLimit` and `VegasLimit`, with windows of such
/// samples instead of single ones.
#[test]
fn aimd_and_vegas_take_the_steps_that_netflix_publishes() {
    let aimd = LimitConfig::aimd(Duration::from_secs(1)).initial(10);
    let vegas = LimitConfig::vegas().initial(10).max(20);
    let answered = Sample::success;
    for (config, samples, limits) in [
        (&aimd, &[answered(MS, 10)][..], &[11][..]),
        (&aimd, &[dropped(MS, 1)], &[9]),
        (&aimd, &[answered(MS, 4)], &[10]),
        (
            &vegas,
            &[answered(10 * MS, 10), answered(10 * MS, 11)],
            &[10, 16],
        ),
        (
            &vegas,
            &[answered(10 * MS, 10), answered(50 * MS, 11)],
            &[10, 9],
        ),
        (
            &vegas,
            &[answered(10 * MS, 10), answered(14 * MS, 14)],
            &[10, 10],
        ),
        (
            &vegas,
            &[answered(10 * MS, 10), dropped(10 * MS, 10)],
            &[10, 9],
        ),
    ] {
        let mut now = Instant::now();
        let limit = Limit::new(config.clone(), now).unwrap();
        let told = samples
            .iter()
            .map(|&sample| window(&limit, &mut now, sample));
        assert_eq!(told.collect::<Vec<_>>(), limits, "{config:?}, {samples:?}");
    }
}

/// X06 of tower-resilience: a burst of a hundred failures lowers AIMD from 100 to 1.
#[test]
fn a_burst_of_failures_is_one_sign_and_not_as_many() {
    for config in every_rule() {
        let mut now = Instant::now();
        let limit = Limit::new(config.clone().initial(100), now).unwrap();
        for _ in 0..100 {
            limit.on_sample(|| now, dropped(MS, 100));
        }
        assert!(limit.limit() >= 80, "{config:?}: {}", limit.limit());
        // X06 again: dropped calls must still count.
        for _ in 0..20 {
            window(&limit, &mut now, dropped(MS, limit.limit()));
        }
        assert!(limit.limit() < 90, "{config:?}: {}", limit.limit());
    }
}

/// X06: a minimum limit of 0 is accepted, and one failure then keeps it at 0 for ever.
#[test]
fn no_limit_reaches_nothing_and_each_comes_back() {
    for config in every_rule() {
        let error = Limit::new(config.clone().min(0), Instant::now()).unwrap_err();
        assert_eq!(error.to_string(), "limit.min is 0, but must be at least 1");

        for min in [1, 2] {
            comes_back(&config.clone().min(min).initial(20));
            // The same where the initial limit is the minimum.
            comes_back(&config.clone().min(min).initial(min));
        }
    }
}

fn comes_back(config: &LimitConfig) {
    let mut now = Instant::now();
    let limit = Limit::new(config.clone(), now).expect("it can work");
    window(&limit, &mut now, Sample::success(10 * MS, 20));
    for _ in 0..1_000 {
        window(&limit, &mut now, dropped(MS, limit.limit()));
    }
    let least = limit.limit();
    assert!((1..=3).contains(&least), "{config:?}: {least}");
    // All calls succeed, and throughput grows with the number of calls admitted.
    let mut most = least;
    for _ in 0..200_000 {
        let allowed = limit.limit();
        now += (10 * MS).div_f64(allowed as f64);
        let well = Sample::success(10 * MS, allowed).at_limit(true);
        limit.on_sample(|| now, well);
        most = most.max(allowed);
    }
    assert!(most >= 5, "{config:?}: {most}");
}

/// X06: one call of 1 ms among calls of 5 ms stays the baseline for ever, and the limit falls to 1.
#[test]
fn one_fast_call_is_no_baseline() {
    for config in every_rule() {
        let mut now = Instant::now();
        let limit = Limit::new(config.clone(), now).unwrap();
        limit.on_sample(|| now, Sample::success(MS, 20).at_limit(true));
        for _ in 0..10_000 {
            now += MS;
            let allowed = limit.limit();
            limit.on_sample(|| now, Sample::success(5 * MS, allowed).at_limit(true));
        }
        assert!(limit.limit() >= 15, "{config:?}: {}", limit.limit());
    }
}

/// Netflix#134, #165, and figure 6 of Uber's article on Cinnamon: in a mild overload the limit, or its baseline, rises
/// with the queue that it causes. Here a limit above 20 only adds queueing.
#[test]
fn a_queue_of_its_own_making_does_not_draw_the_default_upwards() {
    for begin in [20, 200] {
        let mut now = Instant::now();
        let config = LimitConfig::default().initial(begin);
        let limit = Limit::new(config, now).unwrap();
        let mut most = 0;
        for sample in 0..400_000 {
            let allowed = limit.limit();
            let rtt = (10 * MS).mul_f64(allowed as f64 / 20.0).max(10 * MS);
            now += rtt / u32::try_from(allowed).unwrap();
            limit.on_sample(|| now, Sample::success(rtt, allowed).at_limit(true));
            if sample > 200_000 {
                most = most.max(limit.limit());
            }
        }
        assert!(most <= 30, "{most}, from {begin}");
        assert!(limit.snapshot().aim >= 15.0, "{:?}", limit.snapshot());
    }
}
