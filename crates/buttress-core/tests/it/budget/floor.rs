//! The floor, which needs no success.

use std::time::Duration;

use super::clock::at;
use super::{attempt, budget, drain, of_successes, of_the_floor};

/// The times between calls, in milliseconds. With 10 a second, `TpsBudget` grants from 9.2 to 20.0 a second, depending
/// only on this spacing.
const SPACINGS: [u64; 8] = [1, 3, 7, 13, 70, 999, 1_001, 1_999];
const PER_SECOND: u32 = 10;

/// Invariant T2. Between any two calls the floor grants its rate, to within one attempt.
#[test]
fn the_floor_is_the_same_however_far_apart_calls_come() {
    for spacing in SPACINGS {
        let budget = budget(of_the_floor(PER_SECOND));
        let mut deviation = Vec::new();
        let mut granted = 0;
        for call in 0..60_000 / spacing {
            let now = Duration::from_millis(call * spacing);
            granted += drain(&budget, now);
            deviation.push(granted as f64 - now.as_secs_f64() * f64::from(PER_SECOND));
        }
        let (least, most) = deviation
            .iter()
            .fold((f64::MAX, f64::MIN), |(least, most), &by| {
                (least.min(by), most.max(by))
            });
        assert!(most - least <= 1.0, "{spacing} ms: {least} to {most}");
    }
}

/// The same where each call needs one attempt: the call gets it, unless the floor of ten a second is spent.
#[test]
fn each_call_has_an_attempt_of_the_floor_or_the_floor_is_spent() {
    for spacing in SPACINGS {
        let budget = budget(of_the_floor(PER_SECOND));
        let granted = |window: u64| {
            let calls =
                (window * 10_000).div_ceil(spacing)..((window + 1) * 10_000).div_ceil(spacing);
            let asked = calls.end - calls.start;
            let granted = calls
                .filter(|call| attempt(&budget, Duration::from_millis(call * spacing)).is_ok())
                .count();
            (granted as u64, asked)
        };
        for window in 0..6 {
            let (granted, asked) = granted(window);
            assert!(
                granted.abs_diff(asked.min(100)) <= 1,
                "{spacing} ms: {granted} of {asked}"
            );
        }
    }
}

#[test]
fn the_first_failure_of_all_need_not_wait() {
    let budget = budget(of_the_floor(1));
    // Two attempts, or one after a timeout, which costs as much as two.
    assert_eq!(drain(&budget, Duration::ZERO), 2);
    assert_eq!(drain(&budget, Duration::from_millis(999)), 0);
    assert_eq!(drain(&budget, Duration::from_secs(1)), 1);
}

#[test]
fn what_the_floor_leaves_unspent_lives_as_long_as_a_deposit() {
    let budget = budget(of_the_floor(10).ttl(Duration::from_secs(3)));
    assert_eq!(drain(&budget, Duration::from_secs(2)), 22);
    assert_eq!(drain(&budget, Duration::from_secs(3_600)), 30);
}

/// Calls pay, whatever their results.
#[test]
fn a_share_of_the_calls_pays_for_attempts() {
    let budget = budget(of_successes(0.0).floor_ratio(0.1));
    // The two attempts that a budget begins with.
    assert_eq!(drain(&budget, Duration::ZERO), 2);
    for second in 1..=10 {
        (0..100).for_each(|_| budget.call_began());
        assert_eq!(drain(&budget, Duration::from_secs(second)), 10);
    }
}

#[test]
fn two_attempts_of_the_share_do_not_expire() {
    let budget = budget(of_successes(0.0).floor_ratio(0.1));
    assert_eq!(drain(&budget, Duration::ZERO), 2);
    (0..50).for_each(|_| budget.call_began());
    assert_eq!(budget.snapshot(at(Duration::from_secs(1))).balance, 5.0);
    assert_eq!(drain(&budget, Duration::from_secs(3_600)), 2);
}

#[test]
fn calls_over_more_than_a_lifetime_pay_as_many_as_began_in_one() {
    let budget = budget(
        of_successes(0.0)
            .floor_ratio(0.1)
            .ttl(Duration::from_secs(10)),
    );
    assert_eq!(drain(&budget, Duration::ZERO), 2);
    (0..1_020).for_each(|_| budget.call_began());
    // Two fill the floor; of the other hundred, ten seconds of a hundred.
    assert_eq!(drain(&budget, Duration::from_secs(100)), 12);
}
