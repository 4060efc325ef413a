//! The budget against its model, and one test for each of its rules: invariants T1 to T4 of the conformance suite.
//!
//! The defects of `TpsBudget` that the tests name are those of tower 0.5.3.

mod bounds;
mod clock;
mod control;
mod floor;
mod idle;
mod in_flight;
mod model;
mod ratio;
mod refinement;
mod stability;
mod threads;
mod ttl;

use std::time::Duration;

use buttress_core::budget::{Budget, BudgetConfig, BudgetRefusal, Cost};

use self::clock::at;

/// A budget with deposits only.
fn of_successes(ratio: f64) -> BudgetConfig {
    BudgetConfig::default()
        .ratio(ratio)
        .floor_ratio(0.0)
        .in_flight_share(None)
}

/// A budget with a floor only.
fn of_the_floor(per_second: u32) -> BudgetConfig {
    of_successes(0.0).floor_per_second(per_second)
}

fn budget(config: BudgetConfig) -> Budget {
    Budget::new(config, at(Duration::ZERO)).expect("valid")
}

/// Makes extra attempts until one is rejected. Returns the number of attempts.
fn drain(budget: &Budget, now: Duration) -> u64 {
    let granted = (0..).take_while(|_| attempt(budget, now).is_ok()).count();
    granted as u64
}

/// Makes one extra attempt that ends immediately.
fn attempt(budget: &Budget, now: Duration) -> Result<(), BudgetRefusal> {
    let reservation = budget.reserve(Cost::ONE, at(now))?;
    budget.finish(reservation);
    Ok(())
}
