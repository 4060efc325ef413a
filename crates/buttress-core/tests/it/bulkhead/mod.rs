//! The bulkhead: one test for each rule, a naive model with random steps, and many threads.

mod between;
mod config;
mod partitions;
mod refinement;
mod rules;
mod tenants;
mod threads;

use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use buttress_core::Reason;
use buttress_core::bulkhead::{Admission, Bulkhead, BulkheadConfig, Permit, Verdict, Waiter};
use buttress_core::queue::{Dropped, Order, WaitParams};

/// A bulkhead and its clock.
struct Room {
    bulkhead: Bulkhead,
    now: Instant,
}

/// The result of `acquire`.
#[derive(Debug)]
enum Answer {
    In(Permit),
    Waits(Waiter),
    No(Reason),
}

const MS: Duration = Duration::from_millis(1);

impl Room {
    fn new(config: BulkheadConfig) -> Self {
        let now = epoch();
        Self {
            bulkhead: Bulkhead::new(config, now).expect("valid"),
            now,
        }
    }

    fn ask(&self) -> Answer {
        self.ask_on(WaitParams::default(), 0)
    }

    /// Acquires a slot as a shell does.
    fn ask_on(&self, terms: WaitParams, draw: u64) -> Answer {
        if let Some(permit) = self.bulkhead.try_acquire() {
            return Answer::In(permit);
        }
        match self.bulkhead.acquire(|| draw, || terms, || self.now) {
            Admission::Admitted { permit, .. } => Answer::In(permit),
            Admission::Rejected(reason) => Answer::No(reason),
            Admission::Waiting(waiter) => Answer::Waits(waiter),
        }
    }

    /// Acquires a slot for a call with a key.
    fn ask_for(&self, key: &str) -> Answer {
        self.ask_for_on(key, WaitParams::default(), 0)
    }

    fn ask_for_on(&self, key: &str, terms: WaitParams, draw: u64) -> Answer {
        if let Some(permit) = self.bulkhead.try_acquire() {
            return Answer::In(permit);
        }
        let admission = self
            .bulkhead
            .acquire_by(|| Some(key), || draw, || terms, || self.now);
        match admission {
            Admission::Admitted { permit, .. } => Answer::In(permit),
            Admission::Rejected(reason) => Answer::No(reason),
            Admission::Waiting(waiter) => Answer::Waits(waiter),
        }
    }

    #[track_caller]
    fn enter(&self) -> Permit {
        match self.ask() {
            Answer::In(permit) => permit,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn wait(&self) -> Waiter {
        match self.ask() {
            Answer::Waits(waiter) => waiter,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn refused(&self) -> Reason {
        match self.ask() {
            Answer::No(reason) => reason,
            other => panic!("{other:?}"),
        }
    }

    fn end(&self, permit: Permit) {
        self.bulkhead.release(permit, || self.now);
    }

    fn leave(&self, waiter: Waiter) {
        self.bulkhead.leave(waiter, || self.now);
    }

    fn in_flight(&self) -> u64 {
        self.bulkhead.snapshot(self.now).in_flight
    }

    fn queued(&self) -> usize {
        self.bulkhead.snapshot(self.now).queued
    }
}

/// The permit of a waiter that was admitted.
#[track_caller]
fn admitted(waiter: &Waiter) -> Permit {
    match heard(waiter) {
        Some(Verdict::Admitted(permit)) => permit,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn dropped(waiter: &Waiter) -> Dropped {
    match heard(waiter) {
        Some(Verdict::Dropped(why)) => why,
        other => panic!("{other:?}"),
    }
}

fn heard(waiter: &Waiter) -> Option<Verdict> {
    match waiter.poll(Waker::noop()) {
        Poll::Ready(verdict) => Some(verdict),
        Poll::Pending => None,
    }
}

fn fifo(limit: u32, queue: usize) -> BulkheadConfig {
    let config = BulkheadConfig::default().limit(limit).queue(queue);
    config.order(Order::Fifo)
}

/// An arbitrary start time.
#[allow(clippy::disallowed_methods)]
fn epoch() -> Instant {
    Instant::now()
}
