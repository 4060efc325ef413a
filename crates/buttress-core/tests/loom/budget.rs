//! Every interleaving of successes, extra attempts and refunds.

use std::time::{Duration, Instant};

use buttress_core::Ratio;
use buttress_core::budget::{Budget, BudgetConfig, Cost};
use loom::sync::Arc;
use loom::thread;

#[allow(clippy::disallowed_methods)]
fn epoch() -> Instant {
    static EPOCH: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    *EPOCH.get_or_init(Instant::now)
}

fn budget(ratio: f64) -> BudgetConfig {
    BudgetConfig::default()
        .ratio(ratio)
        .floor_ratio(0.0)
        .in_flight_share(None)
}

fn shared(config: BudgetConfig) -> Arc<Budget> {
    Arc::new(Budget::new(config, epoch()).expect("valid"))
}

/// Lets the other threads run first; loom then finds the other orders from there. By itself, loom 0.7 starts with this
/// thread, and records only the latest access to each atomic: if another thread loads and then compares and exchanges,
/// the earlier load of this thread is forgotten, and no other order is tried.
fn go_last() {
    thread::yield_now();
}

fn granted(budget: &Budget) -> u64 {
    budget.reserve(Cost::ONE, epoch()).map_or(0, |reservation| {
        budget.finish(reservation);
        1
    })
}

fn drain(budget: &Budget) -> u64 {
    std::iter::repeat_with(|| granted(budget))
        .take_while(|granted| *granted == 1)
        .sum()
}

#[test]
fn an_attempt_is_never_granted_twice() {
    loom::model(|| {
        let budget = shared(budget(1.0));
        budget.deposit(epoch());
        let other = {
            let budget = Arc::clone(&budget);
            thread::spawn(move || granted(&budget))
        };
        go_last();
        let mine = granted(&budget);
        assert_eq!(mine + other.join().expect("ended"), 1);
    });
}

#[test]
fn a_success_pays_once_whenever_it_is_credited() {
    loom::model(|| {
        let budget = shared(budget(0.5));
        let others: Vec<_> = (0..2)
            .map(|_| {
                let budget = Arc::clone(&budget);
                thread::spawn(move || budget.deposit(epoch()))
            })
            .collect();
        go_last();
        let early = granted(&budget);
        for other in others {
            other.join().expect("ended");
        }
        assert_eq!(early + drain(&budget), 1);
    });
}

/// A success in a later round of the buckets replaces an expired one, and no other.
#[test]
fn a_success_is_not_lost_to_one_that_expired() {
    loom::model(|| {
        let budget = shared(budget(1.0));
        let later = epoch() + Duration::from_secs(10);
        budget.deposit(epoch());
        let other = {
            let budget = Arc::clone(&budget);
            thread::spawn(move || budget.deposit(later))
        };
        go_last();
        let _ = budget.snapshot(later);
        other.join().expect("ended");
        assert_eq!(budget.snapshot(later).balance, 1.0);
    });
}

#[test]
fn a_refund_is_neither_lost_nor_doubled() {
    loom::model(|| {
        let budget = shared(budget(1.0));
        budget.deposit(epoch());
        let reservation = budget.reserve(Cost::ONE, epoch()).expect("one is there");
        let other = {
            let budget = Arc::clone(&budget);
            thread::spawn(move || {
                budget.deposit(epoch());
                granted(&budget)
            })
        };
        go_last();
        budget.refund(reservation, epoch());
        let mine = granted(&budget);
        let other = other.join().expect("ended");
        assert_eq!(mine + other + drain(&budget), 2);
        assert_eq!(budget.snapshot(epoch()).extra_in_flight, 0);
    });
}

#[test]
fn the_bound_on_attempts_in_flight_is_never_exceeded() {
    loom::model(|| {
        let config = budget(2.0).in_flight_share(Ratio::ZERO).in_flight_floor(1);
        let budget = shared(config);
        budget.deposit(epoch());
        let other = {
            let budget = Arc::clone(&budget);
            thread::spawn(move || {
                budget.call_began();
                let reservation = budget.reserve(Cost::ONE, epoch());
                assert!(budget.snapshot(epoch()).extra_in_flight <= 1);
                budget.call_ended();
                reservation
                    .map(|reservation| budget.finish(reservation))
                    .is_ok()
            })
        };
        go_last();
        let mine = budget
            .reserve(Cost::ONE, epoch())
            .map(|reservation| budget.finish(reservation));
        let other = other.join().expect("ended");
        assert!(mine.is_ok() || other);
        let snapshot = budget.snapshot(epoch());
        assert_eq!((snapshot.extra_in_flight, snapshot.calls_in_flight), (0, 0));
        assert_eq!(
            snapshot.balance,
            2.0 - f64::from(u8::from(mine.is_ok()) + u8::from(other))
        );
    });
}

/// A call that began pays into the floor once, on whichever thread the balance is updated.
#[test]
fn a_call_pays_once_whenever_it_is_credited() {
    loom::model(|| {
        let budget = shared(budget(0.0).floor_ratio(0.5));
        // The two attempts that a budget begins with.
        assert_eq!(drain(&budget), 2);
        let others: Vec<_> = (0..2)
            .map(|_| {
                let budget = Arc::clone(&budget);
                thread::spawn(move || {
                    budget.call_began();
                    budget.call_ended();
                })
            })
            .collect();
        go_last();
        let early = granted(&budget);
        for other in others {
            other.join().expect("ended");
        }
        assert_eq!(early + drain(&budget), 1);
        assert_eq!(budget.snapshot(epoch()).calls_in_flight, 0);
    });
}
