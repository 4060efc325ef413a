use std::time::{Duration, Instant};

use super::{Permit, Shed};
use crate::Report;
use crate::limit::{Sample, Step};
use crate::sync::{Ordering, lock};

impl Shed {
    /// Ends a call with what it has to tell. Returns the limit if that moved it.
    #[inline]
    pub fn settle(
        &self,
        permit: Permit,
        report: Report,
        now: impl FnOnce() -> Instant,
    ) -> Option<u64> {
        let now = now();
        let mut moved = None;
        if let Some(begun) = permit.begun {
            let rtt = begun
                .answered_after
                .unwrap_or_else(|| now.saturating_duration_since(begun.at));
            let sample = Sample::of(report.outcome, rtt, begun.in_flight);
            if let Some(sample) = sample {
                let step = self.limit.on_sample(now, sample.at_limit(begun.at_limit));
                if let Some(step) = step {
                    moved = self.apply(step, now);
                }
            }
            self.counts.in_flight.fetch_sub(1, Ordering::Relaxed);
        }
        if permit.claim.throttled {
            self.throttle.settle(report.outcome, now);
        }
        self.end_share(permit.claim);
        self.gate.release(permit.place, || now);
        moved
    }

    /// Ends a call that nobody waits for any more, and that says nothing.
    pub fn cancel(&self, permit: Permit, now: impl FnOnce() -> Instant) {
        let now = now();
        if permit.begun.is_some() {
            self.counts.in_flight.fetch_sub(1, Ordering::Relaxed);
        }
        self.withdraw(permit.claim, || now);
        self.end_share(permit.claim);
        self.gate.release(permit.place, || now);
    }

    /// Lets the gate know what a window of calls taught.
    #[cold]
    fn apply(&self, step: Step, now: Instant) -> Option<u64> {
        self.hints.learn(step.each);
        let mut locked = lock(&self.locked);
        // Under the lock, so that of two steps the later one is the last to be told.
        let limit = self.limit.limit();
        let margin = step.rtt.mul_f64(NINE_OF_TEN);
        let margin_moved = margin.abs_diff(locked.margin) > locked.margin / 4;
        if limit == locked.limit && !margin_moved {
            return None;
        }
        let moved = (limit != locked.limit).then_some(limit);
        locked.limit = limit;
        locked.margin = margin.min(Duration::from_secs(3600));
        // The bounds were checked when the configuration was taken.
        let _ = self
            .gate
            .reconfigure(locked.config.gate(limit, locked.margin), now);
        moved
    }
}

/// Of exponential times, nine of ten are below so many times their mean: ln 10.
const NINE_OF_TEN: f64 = std::f64::consts::LN_10;
