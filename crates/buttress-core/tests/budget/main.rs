//! The budget against its model, and one test for each thing it must mean: invariants T1 to T4 of the conformance
//! suite.
//!
//! Where a test names a defect of `TpsBudget`, it is one of tower 0.5.3's.

#![cfg(not(buttress_loom))]

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

/// A budget of nothing but deposits.
fn of_successes(ratio: f64) -> BudgetConfig {
    BudgetConfig::default()
        .ratio(ratio)
        .floor_per_second(0)
        .in_flight_share(None)
}

/// A budget of nothing but the floor.
fn of_the_floor(per_second: u32) -> BudgetConfig {
    of_successes(0.0).floor_per_second(per_second)
}

fn budget(config: BudgetConfig) -> Budget {
    Budget::new(config, at(Duration::ZERO)).expect("valid")
}

/// Makes extra attempts until they are rejected; how many there were.
fn drain(budget: &Budget, now: Duration) -> u64 {
    let granted = (0..).take_while(|_| attempt(budget, now).is_ok()).count();
    granted as u64
}

/// Makes one extra attempt that ends at once.
fn attempt(budget: &Budget, now: Duration) -> Result<(), BudgetRefusal> {
    let reservation = budget.reserve(Cost::ONE, at(now))?;
    budget.finish(reservation);
    Ok(())
}
