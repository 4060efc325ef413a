use std::time::{Duration, Instant};

use super::call::{Begun, Claim};
use super::{Permit, Shed, Stripe};
use crate::blame::{Dropped, at_declared_end, was_cut_short, was_kept_waiting};
use crate::limit::{Sample, Step};
use crate::sync::lock;
use crate::time::nanos;
use crate::upload::ServiceTime;
use crate::{Deadline, Ending, FailureKind, Outcome, Report};

impl Shed {
    /// Records the result of a call, once. The call keeps its slot. Returns the limit if it changed.
    #[inline]
    pub fn settle(
        &self,
        permit: &mut Permit,
        report: Report,
        now: impl Fn() -> Instant,
    ) -> Option<u64> {
        let begun = permit.begun.take()?;
        self.settle_begun(&begun, permit.claim, report.outcome, now)
    }

    /// Whether the `deadline` of a call that timed out, or the one that its request declares, left less time than calls
    /// take, or the caller was too slow to [send](Permit::owe) the request. Such a timeout is not counted against the
    /// service.
    pub fn was_cut_short(
        &self,
        permit: &Permit,
        deadline: Option<Deadline>,
        now: impl FnOnce() -> Instant,
    ) -> bool {
        let Some(begun) = &permit.begun else {
            return false;
        };
        let allowance = self.hints.allowance();
        let deadline = Deadline::earlier(deadline, begun.caller_deadline);
        was_cut_short(deadline, begun.at, allowance)
            || begun.upload.is_some() && {
                let now = now();
                let took = begun.service_time(now).nanos;
                was_kept_waiting(begun.upload.as_ref(), took, now, allowance)
            }
    }

    /// Returns the slot of a call that has ended. Returns the limit if it changed.
    ///
    /// A call that was not settled counts as cancelled by its caller.
    #[inline]
    pub fn release(&self, mut permit: Permit, now: impl Fn() -> Instant) -> Option<u64> {
        self.release_in_place(&mut permit, Ending::Abandoned, now)
    }

    /// Like [`release`](Self::release), for a permit by reference. `ending` is why the call was dropped, if it was not
    /// settled: a call that its deadline ended (or that was dropped at the deadline that its request declares) after much
    /// more time than calls take counts as a timeout; a call whose response had begun counts as answered; any other call
    /// is not counted. Releasing a permit again changes nothing.
    pub fn release_in_place(
        &self,
        permit: &mut Permit,
        ending: Ending,
        now: impl Fn() -> Instant,
    ) -> Option<u64> {
        let moved = match permit.begun.take() {
            Some(begun) => self.give_up_on(&begun, permit.claim, ending, &now),
            None => None,
        };
        self.leave_tenant(std::mem::take(&mut permit.claim));
        self.gate.release(permit.gate.take(), now);
        moved
    }

    /// Like [`release`](Self::release), for a permit that is [plain](Permit::is_plain), through a stripe, which must be
    /// [one of its own](Self::stripe).
    #[inline]
    pub fn release_plain(
        &self,
        stripe: &Stripe,
        permit: &mut Permit,
        now: impl FnOnce() -> Instant,
    ) {
        self.gate.release_to(&stripe.gate, permit.gate.take(), now);
    }

    #[cold]
    #[inline(never)]
    fn settle_begun(
        &self,
        begun: &Begun,
        claim: Claim,
        outcome: Outcome,
        now: impl Fn() -> Instant,
    ) -> Option<u64> {
        let outcome = match outcome {
            Outcome::Failure(_) if begun.is_broken_off() => Outcome::Ignored,
            outcome => outcome,
        };
        if claim.throttled {
            self.throttle.settle(outcome, now());
        }
        self.learn(begun, outcome, now)
    }

    #[cold]
    #[inline(never)]
    fn give_up_on(
        &self,
        begun: &Begun,
        claim: Claim,
        ending: Ending,
        now: impl Fn() -> Instant,
    ) -> Option<u64> {
        // A dependency that hangs accepts no calls.
        let outcome = self.outcome_of_dropped(begun, ending, now());
        self.settle_begun(begun, claim, outcome, now)
    }

    fn outcome_of_dropped(&self, begun: &Begun, ending: Ending, now: Instant) -> Outcome {
        let ending = match begun.caller_deadline {
            Some(deadline) => {
                let allowed = nanos(deadline.remaining(begun.at));
                let took = nanos(now.saturating_duration_since(begun.at));
                at_declared_end(ending, allowed, took)
            }
            None => ending,
        };
        let dropped = Dropped {
            ending,
            answered: begun.answered_after.is_some(),
            took: Duration::from_nanos(begun.service_time(now).nanos),
        };
        if dropped.answered {
            Outcome::Success
        // A call that waited longer in the queue than in the service timed out in the queue, and a lower limit would
        // make that worse.
        } else if dropped.took > begun.waited && dropped.is_timeout(self.hints.timeout_threshold())
        {
            Outcome::Failure(FailureKind::Timeout)
        } else {
            Outcome::Ignored
        }
    }

    fn learn(&self, begun: &Begun, outcome: Outcome, now: impl Fn() -> Instant) -> Option<u64> {
        if !begun.sampled {
            return None;
        }
        let time = match begun.answered_after {
            Some(nanos) if begun.is_exact => ServiceTime::whole(nanos.get()),
            _ => begun.service_time(now()),
        };
        if !time.is_exact && outcome == Outcome::Success {
            // The service waited for the caller, which may send more: the latency of such a call is unknown.
            return None;
        }
        let rtt = Duration::from_nanos(time.nanos);
        let sample = Sample::of(outcome, rtt, begun.in_flight.into())?;
        let step = self
            .limit
            .on_sample(&now, sample.at_limit(begun.at_limit))?;
        self.apply(step, now())
    }

    /// Passes a changed limit and margin to the gate.
    #[cold]
    fn apply(&self, step: Step, now: Instant) -> Option<u64> {
        self.hints.learn(step.each, step.rtt);
        let mut locked = lock(&self.locked);
        // Under the lock, so that of two changes the later one is applied last.
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
        // The bounds were checked with the configuration.
        let _ = self
            .gate
            .adopt(locked.config.gate(limit, locked.margin), now);
        drop(locked);
        self.gate.admit_waiters(now);
        moved
    }
}

/// Of exponential times, nine in ten are below this multiple of their mean: ln 10.
const NINE_OF_TEN: f64 = std::f64::consts::LN_10;

#[cfg(all(test, not(buttress_loom)))]
mod tests {
    #![allow(
        clippy::disallowed_methods,
        reason = "a test needs some moment to begin at"
    )]
    use super::*;
    use crate::Upload;
    use crate::shed::{Admission, Call, ShedConfig};

    const MS: Duration = Duration::from_millis(1);

    /// The latency that the limit measures for calls of 50 ms whose callers first take 2 s to send the request.
    fn learnt(is_whole: bool) -> Option<Duration> {
        let mut now = Instant::now();
        let shed = Shed::new(ShedConfig::default(), 0, now).expect("it is the default");
        for _ in 0..2_000 {
            let upload = Upload::new(now);
            let Admission::Admitted { mut permit, .. } = shed.admit(Call::default(), || 0, || now)
            else {
                panic!("there is one at a time");
            };
            permit.owe(|| Some(upload.of_call(now)));
            upload.wait(now);
            now += 2_000 * MS;
            upload.arrive(|| now);
            if is_whole {
                upload.end(|| now);
            }
            now += 50 * MS;
            shed.settle(&mut permit, Report::SUCCESS, || now);
            shed.release(permit, || now);
        }
        let threshold = shed.hints.timeout_threshold();
        (threshold < Duration::MAX).then_some(threshold / 3)
    }

    #[test]
    fn calls_are_timed_without_the_waits_for_their_callers() {
        let learnt = learnt(true).expect("that is how long they take");
        assert!(learnt.abs_diff(50 * MS) < MS, "{learnt:?}");
    }

    #[test]
    fn calls_whose_request_is_incomplete_are_no_samples() {
        assert_eq!(learnt(false), None);
    }
}
