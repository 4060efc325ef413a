//! How long a deposit can be spent.

use std::time::Duration;

use super::clock::at;
use super::{budget, drain, of_successes};

const TTL: Duration = Duration::from_secs(10);

/// `TpsBudget` with a ttl of 10 s under steady traffic keeps deposits for 6 to 12 s, depending only on the spacing of
/// calls: 6.0 s at 3, 7 and 13 ms, 11.0 s at 1 ms, 12.0 s at 1.999 s.
#[test]
fn under_steady_traffic_deposits_live_for_the_ttl_less_at_most_a_sixteenth() {
    for spacing in [1, 3, 7, 13, 70, 999, 1_001, 1_999] {
        let budget = budget(of_successes(1.0).ttl(TTL));
        let calls = 30_000 / spacing;
        for call in 0..calls {
            let now = at(Duration::from_millis(call * spacing));
            budget.deposit(now);
            // Each snapshot credits the floor and expires deposits, but frequent snapshots change nothing.
            let _ = budget.snapshot(now);
        }
        let last = Duration::from_millis((calls - 1) * spacing);
        let held = drain(&budget, last);
        let within = |span: Duration| (span.as_millis() as u64).div_ceil(spacing);
        let (least, most) = (within(TTL * 15 / 16), within(TTL));
        assert!(
            (least..=most).contains(&held),
            "{spacing} ms: {held}, {least} to {most}"
        );
    }
}

#[test]
fn a_deposit_expires_at_a_boundary_to_the_nanosecond() {
    let bucket = TTL / 16;
    for paid in [Duration::ZERO, bucket / 3, bucket - Duration::from_nanos(1)] {
        let left = |now: Duration| {
            let budget = budget(of_successes(1.0).ttl(TTL));
            budget.deposit(at(paid));
            drain(&budget, now)
        };
        assert_eq!(left(TTL - Duration::from_nanos(1)), 1);
        assert_eq!(left(TTL), 0);
    }
}

#[test]
fn what_expires_first_is_spent_first() {
    let budget = budget(of_successes(1.0).ttl(TTL));
    budget.deposit(at(Duration::ZERO));
    budget.deposit(at(Duration::from_secs(5)));
    super::attempt(&budget, Duration::from_secs(6)).expect("two are there");
    // This would be 0 if the later deposit had been spent.
    assert_eq!(drain(&budget, Duration::from_secs(12)), 1);
}

#[test]
fn what_is_refunded_lives_as_long_as_what_is_deposited_then() {
    let budget = budget(of_successes(1.0).ttl(TTL));
    budget.deposit(at(Duration::ZERO));
    let reserved = budget.reserve(buttress_core::budget::Cost::ONE, at(Duration::from_secs(9)));
    budget.refund(reserved.expect("one is there"), at(Duration::from_secs(12)));
    assert_eq!(budget.snapshot(at(Duration::from_secs(20))).balance, 1.0);
    assert_eq!(budget.snapshot(at(Duration::from_secs(22))).balance, 0.0);
}
