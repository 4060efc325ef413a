use std::time::{Duration, Instant};

use super::call::Begun;
use super::{Permit, Shed};
use crate::limit::{Sample, Step};
use crate::sync::{Ordering, lock};
use crate::{FailureKind, Outcome, Report};

impl Shed {
    /// Takes in how a call went, once. Its place is still taken. Returns the limit if that moved it.
    #[inline]
    pub fn settle(
        &self,
        permit: &mut Permit,
        report: Report,
        now: impl Fn() -> Instant,
    ) -> Option<u64> {
        if permit.settled {
            return None;
        }
        permit.settled = true;
        if permit.claim.throttled {
            self.throttle.settle(report.outcome, now());
        }
        self.learn(permit.begun?, report.outcome, &now)
    }

    /// Gives back the place of a call that has ended. Returns the limit if that moved it.
    ///
    /// One that was not settled was given up by whoever waited for it. If it had much more time than calls take, it
    /// speaks for a lower limit, as a timeout does; what had begun to be answered counts as answered; and else it
    /// says nothing.
    #[inline]
    pub fn release(&self, mut permit: Permit, now: impl Fn() -> Instant) -> Option<u64> {
        let moved = if permit.settled {
            None
        } else {
            self.give_up_on(&mut permit, &now)
        };
        if permit.begun.is_some() {
            self.counts.in_flight.fetch_sub(1, Ordering::Relaxed);
        }
        self.end_share(permit.claim);
        self.gate.release(permit.place, now);
        moved
    }

    #[cold]
    fn give_up_on(&self, permit: &mut Permit, now: impl Fn() -> Instant) -> Option<u64> {
        let outcome = self.outcome_of_given_up(permit, now());
        if permit.claim.throttled {
            // A dependency that hangs takes nothing on, though nobody is told so.
            self.throttle.settle(outcome, now());
        }
        self.learn(permit.begun?, outcome, now)
    }

    fn outcome_of_given_up(&self, permit: &Permit, now: Instant) -> Outcome {
        match permit.begun {
            Some(begun) if begun.answered_after.is_some() => Outcome::Success,
            Some(begun) if self.hints.is_late(now.saturating_duration_since(begun.at)) => {
                Outcome::Failure(FailureKind::Timeout)
            }
            _ => Outcome::Ignored,
        }
    }

    #[inline]
    fn learn(&self, begun: Begun, outcome: Outcome, now: impl Fn() -> Instant) -> Option<u64> {
        let rtt = begun
            .answered_after
            .unwrap_or_else(|| now().saturating_duration_since(begun.at));
        let sample = Sample::of(outcome, rtt, begun.in_flight)?;
        let step = self
            .limit
            .on_sample(&now, sample.at_limit(begun.at_limit))?;
        self.apply(step, now())
    }

    /// Lets the gate know what a window of calls taught.
    #[cold]
    fn apply(&self, step: Step, now: Instant) -> Option<u64> {
        self.hints.learn(step.each, step.rtt);
        let mut locked = lock(&self.locked);
        // Under the lock, so that of two steps the later one is the last to be told.
        let limit = self.limit.limit();
        let margin = step
            .rtt
            .map_or(locked.margin, |rtt| rtt.mul_f64(NINE_OF_TEN));
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
