use std::time::{Duration, Instant};

use super::call::{Begun, Claim};
use super::{Permit, Shed, Stripe};
use crate::blame::{Dropped, was_cut_short};
use crate::limit::{Sample, Step};
use crate::sync::lock;
use crate::{Deadline, Ending, FailureKind, Outcome, Report};

impl Shed {
    /// Takes in how a call went, once. Its place is still taken. Returns the limit if that moved it.
    #[inline]
    pub fn settle(
        &self,
        permit: &mut Permit,
        report: Report,
        now: impl Fn() -> Instant,
    ) -> Option<u64> {
        let begun = permit.begun.take()?;
        self.settle_begun(begun, permit.claim, report.outcome, now)
    }

    /// Whether the `deadline` of a call that timed out, or the one that its request tells, left it less time than calls
    /// take. Then the timeout is the caller's, and says nothing about the service.
    pub fn was_cut_short(&self, permit: &Permit, deadline: Option<Deadline>) -> bool {
        permit.begun.as_ref().is_some_and(|begun| {
            let deadline = Deadline::earlier(deadline, begun.caller_deadline);
            was_cut_short(deadline, begun.at, self.hints.allowance())
        })
    }

    /// Gives back the place of a call that has ended. Returns the limit if that moved it.
    ///
    /// One that was not settled was abandoned by its caller.
    #[inline]
    pub fn release(&self, mut permit: Permit, now: impl Fn() -> Instant) -> Option<u64> {
        self.release_in_place(&mut permit, Ending::Abandoned, now)
    }

    /// The same for a permit that is not moved for it, and that was dropped for the reason `ending` if it was not
    /// settled. If its deadline ended it after much more time than calls take, it speaks for a lower limit, as a timeout
    /// does; what had begun to be answered counts as answered; and else it says nothing. Once it was released this
    /// changes nothing.
    pub fn release_in_place(
        &self,
        permit: &mut Permit,
        ending: Ending,
        now: impl Fn() -> Instant,
    ) -> Option<u64> {
        let moved = match permit.begun.take() {
            Some(begun) => self.give_up_on(begun, permit.claim, ending, &now),
            None => None,
        };
        self.leave_tenant(std::mem::take(&mut permit.claim));
        self.gate.release(permit.place.take(), now);
        moved
    }

    /// The same for a permit that is [plain](Permit::is_plain), through a stripe, which must be
    /// [one of its own](Self::stripe).
    #[inline]
    pub fn release_plain(
        &self,
        stripe: &Stripe,
        permit: &mut Permit,
        now: impl FnOnce() -> Instant,
    ) {
        self.gate.release_to(&stripe.gate, permit.place.take(), now);
    }

    #[cold]
    #[inline(never)]
    fn settle_begun(
        &self,
        begun: Begun,
        claim: Claim,
        outcome: Outcome,
        now: impl Fn() -> Instant,
    ) -> Option<u64> {
        if claim.throttled {
            self.throttle.settle(outcome, now());
        }
        self.learn(begun, outcome, now)
    }

    #[cold]
    #[inline(never)]
    fn give_up_on(
        &self,
        begun: Begun,
        claim: Claim,
        ending: Ending,
        now: impl Fn() -> Instant,
    ) -> Option<u64> {
        // A dependency that hangs takes nothing on, though nobody is told so.
        let outcome = self.outcome_of_dropped(begun, ending, now());
        self.settle_begun(begun, claim, outcome, now)
    }

    fn outcome_of_dropped(&self, begun: Begun, ending: Ending, now: Instant) -> Outcome {
        let dropped = Dropped {
            ending,
            answered: begun.answered_after.is_some(),
            took: now.saturating_duration_since(begun.at),
        };
        if dropped.answered {
            Outcome::Success
        // A call that waited longer in our queue than inside ran out of time there, and a lower limit would make it
        // worse.
        } else if dropped.took > begun.waited && dropped.is_timeout(self.hints.patience()) {
            Outcome::Failure(FailureKind::Timeout)
        } else {
            Outcome::Ignored
        }
    }

    fn learn(&self, begun: Begun, outcome: Outcome, now: impl Fn() -> Instant) -> Option<u64> {
        if !begun.sampled {
            return None;
        }
        let rtt = match begun.answered_after {
            Some(nanos) => Duration::from_nanos(nanos.get()),
            None => now().saturating_duration_since(begun.at),
        };
        let sample = Sample::of(outcome, rtt, begun.in_flight.into())?;
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
            .adopt(locked.config.gate(limit, locked.margin), now);
        drop(locked);
        self.gate.let_in(now);
        moved
    }
}

/// Of exponential times, nine of ten are below so many times their mean: ln 10.
const NINE_OF_TEN: f64 = std::f64::consts::LN_10;
