//! Invariant T3: the budget is exact with sixteen threads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use buttress_core::Ratio;
use buttress_core::budget::Cost;

use super::clock::at;
use super::{attempt, budget, drain, of_successes};

const THREADS: u64 = 16;

/// `TpsBudget` reads the sum and subtracts in two steps: it granted 1001 of 1000.
#[test]
fn sixteen_threads_never_get_one_too_many() {
    for _ in 0..50 {
        let budget = budget(of_successes(1.0));
        for _ in 0..1_000 {
            budget.deposit(at(Duration::ZERO));
        }
        let granted = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    granted.fetch_add(drain(&budget, Duration::ZERO), Ordering::Relaxed);
                });
            }
        });
        assert_eq!(granted.into_inner(), 1_000);
    }
}

/// Concurrent deposits, attempts and refunds over many buckets: nothing is granted twice, and nothing is lost.
#[test]
fn sixteen_threads_lose_nothing() {
    const CALLS: u64 = 5_000;
    let budget = budget(of_successes(0.3).ttl(Duration::from_secs(600)));
    let granted = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (budget, granted) = (&budget, &granted);
            scope.spawn(move || {
                for call in 0..CALLS {
                    let now = Duration::from_millis(call * 100);
                    budget.call_began();
                    budget.deposit(at(now));
                    match budget.reserve(Cost::ONE, at(now)) {
                        Ok(reservation) if (call + thread) % 3 == 0 => {
                            budget.refund(reservation, at(now));
                        }
                        Ok(reservation) => {
                            granted.fetch_add(1, Ordering::Relaxed);
                            budget.finish(reservation);
                        }
                        Err(_) => {}
                    }
                    budget.call_ended();
                }
            });
        }
    });
    let end = Duration::from_millis(CALLS * 100);
    let granted = granted.into_inner() + drain(&budget, end);
    let snapshot = budget.snapshot(at(end));
    assert_eq!(granted, THREADS * CALLS * 3 / 10);
    assert_eq!(snapshot.granted, granted);
    assert_eq!((snapshot.calls_in_flight, snapshot.extra_in_flight), (0, 0));
}

#[test]
fn sixteen_threads_never_hold_one_too_many() {
    let config = of_successes(1.0)
        .floor_per_second(1_000_000)
        .in_flight_share(Ratio::percent(10))
        .in_flight_floor(3);
    let budget = budget(config);
    let (held, most) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    let Ok(reservation) = budget.reserve(Cost::ONE, at(Duration::from_secs(1)))
                    else {
                        continue;
                    };
                    most.fetch_max(held.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::yield_now();
                    held.fetch_sub(1, Ordering::SeqCst);
                    budget.finish(reservation);
                }
            });
        }
    });
    assert!(most.into_inner() <= 3);
    attempt(&budget, Duration::from_secs(1)).expect("all are finished");
}
