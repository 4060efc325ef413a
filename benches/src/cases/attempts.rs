//! The rules of extra attempts: their budget, and when they are made.

use std::hint::black_box;
use std::time::Duration;

use buttress_core::budget::{Budget, BudgetConfig, BudgetRefusal, Cost};
use buttress_core::hedge::{HedgeDelay, HedgeRule};
use buttress_core::{Backoff, Jitter, LatencyQuantiles, Ratio};

use super::rules::{Clock, GOLDEN};
use crate::case::Case;

pub(super) fn attempts() -> Vec<Case> {
    vec![
        Case::rule("budget: a call that succeeds", || {
            let mut clock = Clock::start();
            let budget = budget(BudgetConfig::default(), &clock);
            move || {
                let budget = black_box(&budget);
                budget.call_began();
                budget.deposit(black_box(clock.tick()));
                budget.call_ended();
            }
        }),
        Case::rule("budget: reserve and finish", || {
            let mut clock = Clock::start();
            let config = BudgetConfig::default().floor_per_second(2_000);
            let budget = budget(config, &clock);
            move || {
                let reservation = black_box(&budget).reserve(Cost::ONE, black_box(clock.tick()));
                black_box(&budget).finish(reservation.expect("the floor allows two per tick"));
            }
        }),
        Case::rule("budget: refuse", || {
            let mut clock = Clock::start();
            let config = BudgetConfig::default().floor_ratio(0.0);
            let budget = budget(config, &clock);
            move || {
                let refused = black_box(&budget).reserve(Cost::ONE, black_box(clock.tick()));
                assert_eq!(black_box(refused), Err(BudgetRefusal::Empty));
            }
        }),
        Case::rule("budget: make one, and reserve ten idle years later", || {
            let clock = Clock::start();
            let later = clock.after(Duration::from_secs(10 * 365 * 24 * 60 * 60));
            move || {
                let budget = budget(BudgetConfig::default(), black_box(&clock));
                let reservation = budget.reserve(Cost::ONE, black_box(later));
                budget.finish(reservation.expect("the floor allows one"));
            }
        }),
        Case::rule("backoff: full jitter", || {
            let backoff = Backoff::default().jitter(Jitter::Full);
            let mut draw = 0_u64;
            move || {
                draw = draw.wrapping_add(GOLDEN);
                black_box(black_box(backoff).wait(black_box(3), Duration::ZERO, draw));
            }
        }),
        Case::rule("latency quantiles: record", || {
            let mut clock = Clock::start();
            let latencies = latencies(&clock);
            let mut draw = 0_u64;
            move || {
                draw = draw.wrapping_add(GOLDEN);
                let latency = Duration::from_nanos(draw >> 36);
                black_box(&latencies).record(latency, black_box(clock.tick()));
            }
        }),
        Case::rule("latency quantiles: take one of 10000 calls", || {
            let mut clock = Clock::start();
            let latencies = latencies(&clock);
            for call in 0..10_000 {
                latencies.record(Duration::from_micros(call), clock.tick());
            }
            let now = clock.tick();
            move || {
                black_box(black_box(&latencies).quantile(Ratio::percent(95), black_box(now)));
            }
        }),
        Case::rule("hedge: ask for the delay and record a call", || {
            let mut clock = Clock::start();
            let hedge = HedgeDelay::new(HedgeRule::default(), clock.now()).expect("a valid rule");
            let mut draw = 0_u64;
            move || {
                draw = draw.wrapping_add(GOLDEN);
                let now = black_box(clock.tick());
                black_box(black_box(&hedge).delay(now));
                black_box(&hedge).record(Duration::from_nanos(draw >> 36), true, now);
            }
        }),
    ]
}

fn budget(config: BudgetConfig, clock: &Clock) -> Budget {
    Budget::new(config, clock.now()).expect("a valid configuration")
}

fn latencies(clock: &Clock) -> LatencyQuantiles {
    LatencyQuantiles::new(Duration::from_secs(10), clock.now()).expect("a valid window")
}
