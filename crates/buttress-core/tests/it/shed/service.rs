//! A shedder in front of a service that accepts any number of calls at once, in virtual time.
use std::collections::BinaryHeap;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use buttress_core::shed::{Admission, Call, Permit, Shed, ShedConfig, Waiter};
use buttress_core::{Outcome, Report, StripeIndex};

pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.next()).ln()
    }
}

enum What {
    /// An arrival, with the number of its run.
    Arrive(u64),
    End(Permit, Outcome),
    Look,
}

struct Event(Instant, u64, What);

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}
impl Eq for Event {}
impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Event {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (other.0, other.1).cmp(&(self.0, self.1))
    }
}

/// The results of a run.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    offered: u64,
    refused: u64,
}

pub(crate) struct Service {
    pub(crate) shed: Shed,
    start: Instant,
    pub(crate) now: Instant,
    heap: BinaryHeap<Event>,
    waiting: Vec<(Waiter, f64, Outcome)>,
    number: u64,
    run: u64,
    dice: Dice,
    tally: Tally,
}

impl Service {
    /// Creates the default shedder without any history.
    pub(crate) fn new(start: Instant) -> Self {
        Self {
            shed: Shed::new(ShedConfig::default(), 7, start).expect("valid"),
            start,
            now: start,
            heap: BinaryHeap::new(),
            waiting: Vec::new(),
            number: 0,
            run: 0,
            dice: Dice(42),
            tally: Tally::default(),
        }
    }

    /// The share of calls rejected since the last read.
    pub(crate) fn refused(&mut self) -> f64 {
        let tally = std::mem::take(&mut self.tally);
        tally.refused as f64 / tally.offered.max(1) as f64
    }

    fn at(&mut self, when: Instant, what: What) {
        self.number += 1;
        self.heap.push(Event(when, self.number, what));
    }

    /// Makes calls at random times, `rate` a second, until `until`. `service` returns how long each takes, and how it
    /// ends.
    pub(crate) fn run(
        &mut self,
        until: Duration,
        rate: f64,
        mut service: impl FnMut(&mut Dice) -> (f64, Outcome),
    ) {
        let until = self.start + until;
        let first = self.now;
        self.run += 1;
        let run = self.run;
        self.at(first, What::Arrive(run));
        while let Some(Event(when, _, what)) = self.heap.pop() {
            if when > until {
                self.at(when, what);
                break;
            }
            self.now = when;
            match what {
                What::Arrive(of) if of != run => {}
                What::Arrive(_) => {
                    let gap = self.dice.exponential(1.0 / rate);
                    self.at(when + Duration::from_secs_f64(gap), What::Arrive(run));
                    let (takes, outcome) = service(&mut self.dice);
                    self.arrive(takes, outcome);
                }
                What::End(mut permit, outcome) => {
                    self.shed.settle(&mut permit, Report::new(outcome), || when);
                    self.shed.release(permit, || when);
                    self.look();
                }
                What::Look => self.look(),
            }
        }
        self.now = until;
    }

    pub(crate) fn call(&self) -> Call {
        let sampled = self.shed.samples(&self.shed.stripe(StripeIndex::current()));
        Call {
            sampled,
            ..Call::default()
        }
    }

    fn arrive(&mut self, takes: f64, outcome: Outcome) {
        self.tally.offered += 1;
        let now = self.now;
        let draw = (self.dice.next() * u64::MAX as f64) as u64;
        match self.shed.admit(self.call(), || draw, || now) {
            Admission::Admitted { permit, .. } => self.begin(permit, takes, outcome),
            Admission::Rejected(_) => self.tally.refused += 1,
            Admission::Waiting(waiter) => {
                if let Some(at) = waiter.expires_at() {
                    self.at(at, What::Look);
                }
                self.waiting.push((waiter, takes, outcome));
                self.look();
            }
        }
    }

    fn begin(&mut self, permit: Permit, takes: f64, outcome: Outcome) {
        let ends = self.now + Duration::from_secs_f64(takes);
        self.at(ends, What::End(permit, outcome));
    }

    fn look(&mut self) {
        let now = self.now;
        for (waiter, takes, outcome) in std::mem::take(&mut self.waiting) {
            match self.shed.poll(&waiter, Waker::noop(), || 0, || now) {
                Poll::Ready(Ok(permit)) => self.begin(permit, takes, outcome),
                Poll::Ready(Err(_)) => self.tally.refused += 1,
                Poll::Pending => match waiter.expires_at().filter(|at| *at <= now) {
                    Some(_) => match self.shed.expire(&waiter, || 0, now) {
                        Some(_) => self.tally.refused += 1,
                        None => self.waiting.push((waiter, takes, outcome)),
                    },
                    None => self.waiting.push((waiter, takes, outcome)),
                },
            }
        }
    }
}
