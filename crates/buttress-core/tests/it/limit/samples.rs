use std::time::{Duration, Instant};

use buttress_core::StripeIndex;
use buttress_core::limit::{Limit, LimitConfig, Sample};

/// Runs `calls` calls of 1 ms each, `rate` a second. Returns the share of calls that were sampled.
fn run(limit: &Limit, now: &mut Instant, rate: u32, calls: u32) -> f64 {
    let mut samples = 0;
    for _ in 0..calls {
        *now += Duration::from_secs(1) / rate;
        if limit.wants(&limit.stripe(StripeIndex::current())) {
            samples += 1;
            let sample = Sample::success(Duration::from_millis(1), 10).at_limit(true);
            limit.on_sample(|| *now, sample);
        }
    }
    f64::from(samples) / f64::from(calls)
}

#[test]
fn each_call_is_a_sample_where_there_are_some_thousand_a_second() {
    let mut now = Instant::now();
    let limit = Limit::new(LimitConfig::default(), now).expect("valid");
    assert_eq!(run(&limit, &mut now, 5_000, 100_000), 1.0);
}

#[test]
fn one_of_many_is_a_sample_where_there_are_a_million_a_second() {
    let mut now = Instant::now();
    let limit = Limit::new(LimitConfig::fixed(20), now).expect("valid");
    run(&limit, &mut now, 1_000_000, 10_000);
    let share = run(&limit, &mut now, 1_000_000, 1_000_000);
    assert!((0.007..0.009).contains(&share), "{share}");
}

#[test]
fn what_a_second_brings_is_told_from_one_of_many_as_from_all() {
    let mut now = Instant::now();
    let limit = Limit::new(LimitConfig::fixed(20), now).expect("valid");
    run(&limit, &mut now, 1_000_000, 100_000);
    let mut seen = Vec::new();
    for _ in 0..100_000 {
        now += Duration::from_micros(1);
        if limit.wants(&limit.stripe(StripeIndex::current())) {
            let step = limit.on_sample(|| now, Sample::success(Duration::from_millis(1), 10));
            seen.extend(step.map(|step| step.each.as_secs_f64() * 1e6));
        }
    }
    assert!(seen.len() > 10);
    assert!(
        seen.iter().all(|each| (0.9..1.1).contains(each)),
        "{seen:?}"
    );
}

#[test]
fn when_calls_become_few_each_one_is_a_sample_again_before_a_window_is_full() {
    let mut now = Instant::now();
    let limit = Limit::new(LimitConfig::fixed(20), now).expect("valid");
    run(&limit, &mut now, 1_000_000, 100_000);
    // At first one call in 128 is sampled; the second such sample finds that its window is overdue.
    run(&limit, &mut now, 200, 400);
    assert_eq!(run(&limit, &mut now, 200, 400), 1.0);
}
