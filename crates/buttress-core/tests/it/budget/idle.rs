//! Invariant T4: the first call after any idle time.

use std::time::Duration;

use buttress_core::budget::BudgetConfig;

use super::clock::at;
use super::{budget, drain, of_successes, of_the_floor};

const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// `TpsBudget` visits every slot that passed, under a mutex: 1.48 s for a year at a time to live of 1 s. This test
/// passes ten years twenty thousand times at the same time to live; a loop over the slots would not finish.
#[test]
fn a_call_after_ten_years_takes_no_more_steps_than_any_other() {
    for _ in 0..20_000 {
        let budget = budget(BudgetConfig::default().ttl(BudgetConfig::MIN_TTL));
        budget.deposit(at(Duration::ZERO));
        budget.deposit(at(TEN_YEARS));
        super::attempt(&budget, TEN_YEARS).expect("the floor is full");
    }
}

#[test]
fn ten_years_later_there_is_what_the_floor_holds_and_nothing_else() {
    let budget = budget(of_the_floor(10).ratio(1.0));
    budget.deposit(at(Duration::ZERO));
    assert_eq!(drain(&budget, TEN_YEARS), 100);
    assert_eq!(drain(&budget, TEN_YEARS * 2), 100);
}

/// Invariant X1: the clock may go back.
#[test]
fn time_that_goes_back_is_clamped() {
    let budget = budget(of_successes(1.0).floor_per_second(1));
    budget.deposit(at(Duration::from_secs(100)));
    assert_eq!(drain(&budget, Duration::from_secs(100)), 11);
    assert_eq!(drain(&budget, Duration::from_secs(50)), 0);
    assert_eq!(drain(&budget, Duration::ZERO), 0);
    assert_eq!(drain(&budget, Duration::from_secs(101)), 1);
}
