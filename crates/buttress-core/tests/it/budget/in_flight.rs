//! The number of extra attempts in flight.

use std::time::Duration;

use buttress_core::Ratio;
use buttress_core::budget::{Budget, BudgetConfig, BudgetRefusal, Cost, Reservation};

use super::budget;
use super::clock::at;

fn of_a_share(percent: u8, floor: u32) -> BudgetConfig {
    BudgetConfig::default()
        .floor_per_second(1_000)
        .in_flight_share(Ratio::percent(percent))
        .in_flight_floor(floor)
}

/// Reserves, without finishing, until a reservation is rejected.
fn hold(budget: &Budget) -> (Vec<Reservation>, BudgetRefusal) {
    let mut held = Vec::new();
    loop {
        match budget.reserve(Cost::ONE, at(Duration::from_secs(1))) {
            Ok(reservation) => held.push(reservation),
            Err(refusal) => return (held, refusal),
        }
    }
}

#[test]
fn extra_attempts_in_flight_are_a_share_of_the_calls_in_flight() {
    let budget = budget(of_a_share(20, 3));
    for (calls, allowed) in [
        (0, 3),
        (10, 3),
        (19, 3),
        (20, 4),
        (24, 4),
        (25, 5),
        (100, 20),
    ] {
        while budget.snapshot(at(Duration::ZERO)).calls_in_flight < calls {
            budget.call_began();
        }
        let (held, refusal) = hold(&budget);
        assert_eq!(
            (held.len(), refusal),
            (allowed, BudgetRefusal::InFlight),
            "{calls} calls"
        );
        for reservation in held {
            budget.refund(reservation, at(Duration::from_secs(1)));
        }
    }
}

#[test]
fn without_a_share_only_the_balance_counts() {
    let budget = budget(of_a_share(20, 3).in_flight_share(None));
    let (held, refusal) = hold(&budget);
    assert_eq!((held.len(), refusal), (1_002, BudgetRefusal::Empty));
}

#[test]
fn a_rejection_costs_nothing() {
    let budget = budget(of_a_share(20, 1));
    let now = at(Duration::from_secs(1));
    let (held, _) = hold(&budget);
    let before = budget.snapshot(now);
    assert_eq!(budget.reserve(Cost::ONE, now), Err(BudgetRefusal::InFlight));
    let after = budget.snapshot(now);
    assert_eq!(
        (after.balance, after.refused),
        (before.balance, before.refused + 1)
    );
    for reservation in held {
        budget.finish(reservation);
    }
    assert_eq!(budget.snapshot(now).extra_in_flight, 0);
}

/// A call may end on a different thread from the one it began on.
#[test]
fn calls_are_counted_across_threads() {
    let budget = budget(BudgetConfig::default());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..100).for_each(|_| budget.call_began()));
        }
    });
    assert_eq!(budget.snapshot(at(Duration::ZERO)).calls_in_flight, 800);
    (0..800).for_each(|_| budget.call_ended());
    assert_eq!(budget.snapshot(at(Duration::ZERO)).calls_in_flight, 0);
}
