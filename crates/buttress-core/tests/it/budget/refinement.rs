//! The budget does the same as the model, step by step.

use std::time::Duration;

use buttress_core::Ratio;
use buttress_core::budget::{BudgetConfig, Cost, Reservation};
use proptest::prelude::*;
use proptest::sample::Index;

use super::budget;
use super::clock::at;
use super::model::{Model, Terms};

#[derive(Debug, Clone)]
enum Step {
    Pass(Duration),
    Begin,
    End,
    Succeed(u32),
    Reserve(u32),
    Refund(Index),
    Finish(Index),
    /// Reserves with a clock that is behind.
    AskLate(Duration),
    Reconfigure(Terms),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => pause().prop_map(Step::Pass),
        6 => Just(Step::Begin),
        4 => Just(Step::End),
        20 => (1..30_u32).prop_map(Step::Succeed),
        20 => cost().prop_map(Step::Reserve),
        6 => any::<Index>().prop_map(Step::Refund),
        8 => any::<Index>().prop_map(Step::Finish),
        2 => pause().prop_map(Step::AskLate),
        1 => terms().prop_map(Step::Reconfigure),
    ]
}

/// Bursts, jitter of nanoseconds, gaps of about a bucket and about a lifetime, and jumps.
fn pause() -> impl Strategy<Value = Duration> {
    prop_oneof![
        4 => 0..10_u64,
        4 => 0..50_000_000_u64,
        4 => 0..2_000_000_000_u64,
        2 => 0..30_000_000_000_u64,
        1 => Just(30 * 24 * 3_600 * 1_000_000_000_u64),
    ]
    .prop_map(Duration::from_nanos)
}

fn cost() -> impl Strategy<Value = u32> {
    prop_oneof![4 => Just(1_000_u32), 1 => 0..5_000_u32]
}

fn terms() -> impl Strategy<Value = Terms> {
    (
        prop_oneof![Just(0_u32), Just(200), 0..1_000_u32, 0..100_000_u32],
        prop_oneof![Just(0_u32), Just(20), 0..=1_000_u32],
        prop_oneof![Just(0_u32), Just(10), 0..100_u32],
        // Includes lifetimes that are not divisible by sixteen.
        prop_oneof![
            Just(1_000_000_000_u64),
            Just(10_000_000_000),
            1_000_000_000..30_000_000_000_u64
        ],
        proptest::option::of(0..=100_u8),
        1..5_u32,
    )
        .prop_map(
            |(thousandths, of_calls, per_second, ttl, share, share_floor)| Terms {
                thousandths,
                of_calls,
                per_second,
                ttl: Duration::from_nanos(ttl),
                share,
                share_floor,
            },
        )
}

fn config(terms: &Terms) -> BudgetConfig {
    BudgetConfig::default()
        .ratio(f64::from(terms.thousandths) / 1_000.0)
        .floor_ratio(f64::from(terms.of_calls) / 1_000.0)
        .floor_per_second(terms.per_second)
        .ttl(terms.ttl)
        .in_flight_share(terms.share.map(Ratio::percent))
        .in_flight_floor(terms.share_floor)
}

proptest! {
    #[test]
    fn the_budget_refines_the_model(first in terms(), steps in proptest::collection::vec(step(), 1..200)) {
        let budget = budget(config(&first));
        let mut model = Model::new(first);
        let mut now = Duration::ZERO;
        let mut held: Vec<(Reservation, u32)> = Vec::new();
        for step in steps {
            match step {
                Step::Pass(time) => {
                    now += time;
                    model.pass(time);
                }
                Step::Begin => {
                    budget.call_began();
                    model.begin();
                }
                Step::End => if model.calls > 0 {
                    budget.call_ended();
                    model.calls -= 1;
                },
                Step::Succeed(calls) => for _ in 0..calls {
                    budget.deposit(at(now));
                    model.deposit();
                },
                Step::Reserve(cost) => {
                    let granted = budget.reserve(Cost::thousandths(cost), at(now));
                    prop_assert_eq!(granted.as_ref().err().copied(), model.reserve(cost).err());
                    held.extend(granted.ok().map(|reservation| (reservation, cost)));
                }
                Step::Refund(which) => if !held.is_empty() {
                    let (reservation, cost) = held.swap_remove(which.index(held.len()));
                    budget.refund(reservation, at(now));
                    model.refund(cost);
                },
                Step::Finish(which) => if !held.is_empty() {
                    let (reservation, _) = held.swap_remove(which.index(held.len()));
                    budget.finish(reservation);
                    model.extra -= 1;
                },
                Step::AskLate(behind) => {
                    let _ = budget.snapshot(at(now));
                    let late = budget.snapshot(at(now.saturating_sub(behind)));
                    prop_assert_eq!(late, budget.snapshot(at(now)));
                }
                Step::Reconfigure(terms) => {
                    budget.reconfigure(config(&terms), at(now)).expect("valid");
                    model.reconfigure(terms);
                }
            }
            let snapshot = budget.snapshot(at(now));
            prop_assert_eq!(snapshot.floor, model.floor());
            prop_assert_eq!(snapshot.balance, model.balance());
            prop_assert_eq!(snapshot.extra_in_flight, model.extra);
            prop_assert_eq!(snapshot.calls_in_flight, model.calls);
        }
    }
}
