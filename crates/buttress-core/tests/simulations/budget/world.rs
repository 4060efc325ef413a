use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::client::Policy;
use crate::dice::Dice;

/// The calls per second that the server can serve.
pub(crate) const CAPACITY: f64 = 500.0;
const TIMEOUT: f64 = 1.0;
const OUTAGE: std::ops::Range<f64> = 30.0..40.0;
const END: f64 = 440.0;
/// The last seconds, in which a recovered run serves everything.
const LAST: f64 = 30.0;
const ATTEMPTS: u32 = 3;
const BACKOFF: f64 = 0.05;

pub(crate) struct World {
    clients: Vec<Box<dyn Policy>>,
    dice: Dice,
    rate: f64,
    events: BinaryHeap<Event>,
    /// When the server will have served all that it received.
    free_at: f64,
    calls: u64,
    served: u64,
}

#[derive(Debug, Clone, Copy)]
struct Event {
    at: f64,
    client: usize,
    began: f64,
    /// The number of this attempt, from 0.
    attempt: u32,
    what: What,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Call,
    Attempt,
    Success,
    Timeout,
}

impl World {
    pub(crate) fn new(
        seed: u64,
        load: f64,
        clients: usize,
        make: &impl Fn() -> Box<dyn Policy>,
    ) -> Self {
        Self {
            clients: (0..clients).map(|_| make()).collect(),
            dice: Dice::new(seed),
            rate: load * CAPACITY,
            events: BinaryHeap::new(),
            free_at: 0.0,
            calls: 0,
            served: 0,
        }
    }

    /// The share of calls that succeed, of those that began in the last seconds but the very last.
    pub(crate) fn goodput_at_last(mut self) -> f64 {
        self.next_call(0.0);
        while let Some(event) = self.events.pop() {
            if event.at >= END {
                break;
            }
            self.happen(event);
        }
        self.served as f64 / self.calls as f64
    }

    fn happen(&mut self, mut event: Event) {
        let now = event.at;
        match event.what {
            What::Call => {
                self.next_call(now);
                if is_last(now) {
                    self.calls += 1;
                }
                self.clients[event.client].call_began(now);
                self.send(event);
            }
            What::Attempt => self.send(event),
            What::Success => {
                self.clients[event.client].succeeded(now, event.attempt);
                if is_last(event.began) {
                    self.served += 1;
                }
            }
            What::Timeout => {
                let client = &mut self.clients[event.client];
                client.failed(now, event.attempt);
                if event.attempt + 1 < ATTEMPTS && client.retries(now) {
                    event.attempt += 1;
                    let most = BACKOFF * f64::from(1 << event.attempt);
                    event.at += most * self.dice.uniform();
                    event.what = What::Attempt;
                    self.events.push(event);
                } else {
                    client.gave_up();
                }
            }
        }
    }

    fn next_call(&mut self, now: f64) {
        let at = now + self.dice.exponential(1.0 / self.rate);
        let client = (self.dice.uniform() * self.clients.len() as f64) as usize;
        self.events.push(Event {
            at,
            client,
            began: at,
            attempt: 0,
            what: What::Call,
        });
    }

    /// Puts an attempt at the end of the server's queue.
    fn send(&mut self, mut event: Event) {
        let now = event.at;
        let mut start = self.free_at.max(now);
        if OUTAGE.contains(&start) {
            start = OUTAGE.end;
        }
        self.free_at = start + self.dice.exponential(1.0 / CAPACITY);
        (event.at, event.what) = if self.free_at <= now + TIMEOUT {
            (self.free_at, What::Success)
        } else {
            (now + TIMEOUT, What::Timeout)
        };
        self.events.push(event);
    }
}

fn is_last(began: f64) -> bool {
    (END - LAST - 10.0..END - 10.0).contains(&began)
}

/// Earliest first.
impl Ord for Event {
    fn cmp(&self, other: &Self) -> Ordering {
        other.at.total_cmp(&self.at)
    }
}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Event {}
