//! Configurations, and how a budget changes with them.

use std::time::Duration;

use buttress_core::budget::{Budget, BudgetConfig, Cost};

use super::clock::at;
use super::{budget, drain, of_successes};

#[test]
fn what_cannot_work_is_rejected_by_field_value_and_bound() {
    let default = BudgetConfig::default;
    let cases = [
        (
            default().ratio(-0.1),
            "budget.ratio is -0.1, but must be from 0 to 100",
        ),
        (
            default().ratio(f64::NAN),
            "budget.ratio is NaN, but must be from 0 to 100",
        ),
        (
            default().ratio(100.1),
            "budget.ratio is 100.1, but must be from 0 to 100",
        ),
        (
            default().floor_ratio(-0.1),
            "budget.floor_ratio is -0.1, but must be from 0 to 1",
        ),
        (
            default().floor_ratio(1.1),
            "budget.floor_ratio is 1.1, but must be from 0 to 1",
        ),
        (
            default().floor_ratio(f64::NAN),
            "budget.floor_ratio is NaN, but must be from 0 to 1",
        ),
        (
            default().floor_per_second(1_000_001),
            "budget.floor_per_second is 1000001, but must be at most 1000000",
        ),
        (
            default().ttl(Duration::ZERO),
            "budget.ttl is 0ns, but must be from 1s to 600s",
        ),
        (
            default().ttl(Duration::MAX),
            "budget.ttl is 18446744073709551615.999999999s, but must be from 1s to 600s",
        ),
        (
            default().in_flight_floor(0),
            "budget.in_flight_floor is 0, but must be at least 1",
        ),
    ];
    for (config, message) in cases {
        let error = Budget::new(config.clone(), at(Duration::ZERO)).expect_err(message);
        assert_eq!(error.to_string(), message);
        let good = budget(default());
        let before = format!("{good:?}");
        assert_eq!(good.reconfigure(config, at(Duration::ZERO)), Err(error));
        assert_eq!(format!("{good:?}"), before);
    }
    assert_eq!(
        default().in_flight_share(None).in_flight_floor(0).check(),
        Ok(())
    );
    assert_eq!(default().ratio(0.0).floor_ratio(0.0).check(), Ok(()));
}

#[test]
fn successes_pay_by_the_ratio_of_their_time() {
    let budget = budget(of_successes(1.0));
    let now = Duration::from_secs(1);
    budget.deposit(at(now));
    budget
        .reconfigure(of_successes(10.0), at(now))
        .expect("valid");
    budget.deposit(at(now));
    assert_eq!(drain(&budget, now), 11);
}

#[test]
fn a_change_keeps_the_deposits_and_the_attempts_in_flight() {
    let budget = budget(of_successes(1.0));
    for second in 0..10 {
        budget.deposit(at(Duration::from_secs(second)));
    }
    let now = at(Duration::from_secs(9));
    let reservation = budget.reserve(Cost::ONE, now).expect("ten are there");
    budget
        .reconfigure(of_successes(0.5).ttl(Duration::from_secs(60)), now)
        .expect("valid");
    let snapshot = budget.snapshot(now);
    assert_eq!((snapshot.balance, snapshot.extra_in_flight), (9.0, 1));
    // The balance has the new time to live, counted from its deposit.
    assert_eq!(budget.snapshot(at(Duration::from_secs(50))).balance, 9.0);
    budget.refund(reservation, now);
    assert_eq!(budget.snapshot(now).balance, 10.0);
}

#[test]
fn what_is_paid_in_right_after_a_change_of_life_counts() {
    let budget = budget(of_successes(1.0).ttl(Duration::from_secs(10)));
    let now = at(Duration::from_secs(1));
    (0..2).for_each(|_| budget.deposit(now));
    budget
        .reconfigure(of_successes(1.0).ttl(Duration::from_secs(20)), now)
        .expect("valid");
    budget.deposit(now);
    assert_eq!(budget.snapshot(now).balance, 3.0);
}

#[test]
fn a_shorter_life_lets_expire_what_is_too_old_for_it() {
    let budget = budget(of_successes(1.0).ttl(Duration::from_secs(16)));
    for second in 0..16 {
        budget.deposit(at(Duration::from_secs(second)));
    }
    let now = at(Duration::from_secs(15));
    budget
        .reconfigure(of_successes(1.0).ttl(Duration::from_secs(4)), now)
        .expect("valid");
    assert_eq!(budget.snapshot(now).balance, 4.0);
}

#[test]
fn what_a_shorter_life_lets_expire_takes_nothing_else_along() {
    let budget = budget(of_successes(1.0).ttl(Duration::from_secs(16)));
    // The expired deposits were made before the ring of sixteen buckets started over, the others after it.
    for second in 8..24 {
        budget.deposit(at(Duration::from_secs(second)));
    }
    let now = at(Duration::from_secs(23));
    assert_eq!(budget.snapshot(now).balance, 16.0);
    budget
        .reconfigure(of_successes(1.0).ttl(Duration::from_secs(4)), now)
        .expect("valid");
    assert_eq!(budget.snapshot(now).balance, 4.0);
}

#[test]
fn a_lower_floor_takes_away_what_is_above_it() {
    let budget = budget(of_successes(0.0).floor_per_second(100));
    let now = Duration::from_secs(60);
    assert_eq!(budget.snapshot(at(now)).floor, 1_000.0);
    budget
        .reconfigure(of_successes(0.0).floor_per_second(1), at(now))
        .expect("valid");
    assert_eq!(drain(&budget, now), 10);
}
