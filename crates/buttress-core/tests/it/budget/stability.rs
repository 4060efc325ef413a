//! The law in the budget's documentation: where every call pays, retries continue for ever after an overload if the
//! load exceeds 1/(1 + ratio) of the capacity. Where successes pay, they end.
//!
//! A server serves a queue in order of arrival. Its callers wait for one second, and the server does not know when they
//! leave, so once the queue is longer than one second all of its work is wasted. For ten seconds it has a fifth of its
//! capacity.

use std::collections::VecDeque;
use std::time::Duration;

use buttress_core::budget::Budget;

use super::clock::at;
use super::{attempt, budget, of_successes};

const RATIO: f64 = 0.2;
/// Calls per tick of 10 ms.
const CAPACITY: f64 = 10.0;
const TICK: Duration = Duration::from_millis(10);
/// The time that callers wait, in ticks.
const PATIENCE: u64 = 100;
const QUEUE: usize = 2_000;
const SECOND: u64 = 100;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Payer {
    Call,
    Success,
}

/// The share of calls that succeed in the last ten of ninety seconds. From the tenth to the twentieth second the
/// capacity is reduced.
fn goodput_at_last(load: f64, payer: Payer) -> f64 {
    let budget = budget(of_successes(RATIO));
    let mut server = Server::default();
    let (mut calls, mut successes) = (0.0, 0.0);
    for tick in 0..90 * SECOND {
        let capacity = if (10 * SECOND..20 * SECOND).contains(&tick) {
            CAPACITY / 5.0
        } else {
            CAPACITY
        };
        let now = TICK * tick as u32;
        let ended = server.tick(tick, load * CAPACITY, capacity, &budget, payer);
        if payer == Payer::Success {
            (0..ended.successes).for_each(|_| budget.deposit(at(now)));
        }
        if tick >= 80 * SECOND {
            calls += ended.calls as f64;
            successes += ended.successes as f64;
        }
    }
    successes / calls
}

#[derive(Debug, Default)]
struct Server {
    /// The arrival times of the queued calls.
    queue: VecDeque<u64>,
    /// The arrival times of the calls that have not been answered.
    waiting: VecDeque<u64>,
    arrivals: f64,
    work: f64,
}

struct Ended {
    calls: u64,
    successes: u64,
}

impl Server {
    fn tick(
        &mut self,
        tick: u64,
        load: f64,
        capacity: f64,
        budget: &Budget,
        payer: Payer,
    ) -> Ended {
        let now = TICK * tick as u32;
        let mut failures = 0;

        self.arrivals += load;
        let calls = self.arrivals as u64;
        self.arrivals -= calls as f64;
        for _ in 0..calls {
            if payer == Payer::Call {
                budget.deposit(at(now));
            }
            failures += u64::from(!self.enqueue(tick));
        }

        self.work = (self.work + capacity).min(capacity + 1.0);
        let mut successes = 0;
        while self.work >= 1.0 {
            let Some(came) = self.queue.pop_front() else {
                break;
            };
            self.work -= 1.0;
            if self.waiting.front() == Some(&came) {
                self.waiting.pop_front();
                successes += 1;
            }
        }
        while self
            .waiting
            .front()
            .is_some_and(|came| came + PATIENCE <= tick)
        {
            self.waiting.pop_front();
            failures += 1;
        }

        // Failed calls are retried while the budget pays. A retry that finds the queue full is not tried again.
        for _ in 0..failures {
            if attempt(budget, now).is_ok() {
                self.enqueue(tick);
            }
        }
        Ended { calls, successes }
    }

    fn enqueue(&mut self, tick: u64) -> bool {
        let fits = self.queue.len() < QUEUE;
        if fits {
            self.queue.push_back(tick);
            self.waiting.push_back(tick);
        }
        fits
    }
}

#[test]
fn where_calls_pay_an_overload_never_ends_above_the_limit() {
    let limit = 1.0 / (1.0 + RATIO);
    for load in [limit + 0.03, 0.9, 0.95] {
        let goodput = goodput_at_last(load, Payer::Call);
        assert!(goodput < 0.01, "at {load}: {goodput}");
    }
}

#[test]
fn where_calls_pay_an_overload_ends_below_the_limit() {
    let goodput = goodput_at_last(0.7, Payer::Call);
    assert!(goodput > 0.99, "{goodput}");
}

#[test]
fn where_successes_pay_an_overload_ends_at_any_load_below_the_capacity() {
    for load in [0.7, 1.0 / (1.0 + RATIO) + 0.03, 0.9, 0.95] {
        let goodput = goodput_at_last(load, Payer::Success);
        assert!(goodput > 0.99, "at {load}: {goodput}");
    }
}
