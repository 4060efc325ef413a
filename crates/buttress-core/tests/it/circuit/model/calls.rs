//! The window of the model: every call that it may still need.

use std::time::Duration;

use buttress_core::window::{Counts, Window};

#[derive(Debug)]
pub(super) struct Calls {
    window: Window,
    calls: Vec<Call>,
}

#[derive(Debug, Clone, Copy)]
struct Call {
    at: u64,
    failed: bool,
    slow: bool,
}

impl Calls {
    pub(super) fn new(window: Window) -> Self {
        Self {
            window,
            calls: Vec::new(),
        }
    }

    pub(super) fn clear(&mut self) {
        self.calls.clear();
    }

    pub(super) fn push(&mut self, at: u64, failed: bool, slow: bool) {
        self.calls.push(Call { at, failed, slow });
    }

    pub(super) fn counts(&self, now: u64) -> Counts {
        count(self.held(now))
    }

    /// The counts of the calls since the start of each bucket; of a count window, those of all.
    pub(super) fn suffixes(&self, now: u64) -> Vec<Counts> {
        let held = self.held(now);
        match self.window {
            Window::Count(_) => vec![count(held)],
            Window::Time(time) => (0..16)
                .map(|ago| {
                    let since = (now / bucket(time)).saturating_sub(ago) * bucket(time);
                    count(&held[held.partition_point(|call| call.at < since)..])
                })
                .collect(),
        }
    }

    pub(super) fn resize(&mut self, window: Window, now: u64) {
        if window == self.window {
            return;
        }
        let mut held = self.held(now).to_vec();
        match (self.window, window) {
            (Window::Count(_), Window::Count(_)) => {}
            // The exact time of a call is unknown; only its bucket is known.
            (Window::Time(time), Window::Time(_)) => {
                let bucket = bucket(time);
                held.iter_mut().for_each(|call| call.at -= call.at % bucket);
            }
            (Window::Count(_), Window::Time(_)) => held.iter_mut().for_each(|call| call.at = now),
            (Window::Time(_), Window::Count(_)) => held = spread(self.counts(now)),
        }
        self.calls = held;
        self.window = window;
    }

    fn held(&self, now: u64) -> &[Call] {
        let forgotten = match self.window {
            Window::Count(size) => self.calls.len().saturating_sub(size as usize),
            Window::Time(time) => {
                let oldest = (now / bucket(time)).saturating_sub(15) * bucket(time);
                self.calls.partition_point(|call| call.at < oldest)
            }
        };
        &self.calls[forgotten..]
    }
}

fn count(calls: &[Call]) -> Counts {
    let how_many = |is: fn(&Call) -> bool| calls.iter().filter(|call| is(call)).count() as u64;
    Counts {
        calls: how_many(|_| true),
        failures: how_many(|call| call.failed),
        slow: how_many(|call| call.slow),
    }
}

/// Creates calls from their sums alone, with the marked calls spread evenly.
fn spread(counts: Counts) -> Vec<Call> {
    let marked =
        |part: u64, call: u64| (call + 1) * part / counts.calls > call * part / counts.calls;
    (0..counts.calls)
        .map(|call| Call {
            at: 0,
            failed: marked(counts.failures, call),
            slow: marked(counts.slow, call),
        })
        .collect()
}

fn bucket(time: Duration) -> u64 {
    time.as_nanos().div_ceil(16) as u64
}
