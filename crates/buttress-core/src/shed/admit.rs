use std::cell::LazyCell;
use std::time::{Duration, Instant};

use super::call::{Begun, Claim};
use super::hints::spread;
use super::{
    Admission, Call, LENIENT, OFF, Permit, Refusal, Shed, Stripe, TENANTED, THROTTLED, WATCHED,
    Waiter,
};
use crate::bulkhead;
use crate::queue::WaitParams;
use crate::sync::{Ordering, lock};
use crate::time::nanos;
use crate::{Criticality, Reason, StripeIndex};

impl Shed {
    /// Whether the limit [learns](crate::limit::Limit#samples) from a call that begins. Must be called once for each
    /// call.
    #[inline]
    pub fn samples(&self, stripe: &Stripe) -> bool {
        self.limit.wants(&stripe.limit)
    }

    /// The state of one stripe, for handles that [share](crate::Striped) a shedder.
    pub fn stripe(&self, stripe: StripeIndex) -> Stripe {
        Stripe {
            gate: self.gate.stripe(stripe),
            limit: self.limit.stripe(stripe),
        }
    }

    /// Returns a slot for a call that is not [sampled](Self::samples), if the stripe has one and no other rule applies.
    /// If `None`, call [`admit`](Self::admit).
    #[inline(always)]
    pub fn try_admit(&self, stripe: &Stripe) -> Option<Permit> {
        if self.flags() & !LENIENT != 0 {
            return None;
        }
        Some(Permit {
            gate: stripe.gate.try_acquire()?,
            begun: None,
            claim: Claim::default(),
        })
    }

    /// Decides whether a call is admitted, rejected, or waits.
    ///
    /// `random` identifies the call, for a [mode](crate::Mode) that enforces for a share of calls, or else is random.
    /// It is evaluated only if needed.
    #[cold]
    #[inline(never)]
    pub fn admit(
        &self,
        call: Call,
        random: impl FnOnce() -> u64,
        now: impl Fn() -> Instant,
    ) -> Admission {
        let flags = self.flags();
        // One number for all rules: a call that is rejected by one rule must not be exempt from another.
        let number = LazyCell::new(random);
        let random = || *number;
        let mut claim = self.claim(flags, &call);
        let Err(refusal) = self.enter(flags, &mut claim, random, &now) else {
            return self.acquire(call, claim, random, now);
        };
        if flags & LENIENT == 0 || self.config_mode().is_enforced(random) {
            return Admission::Rejected(refusal);
        }
        self.overdraw_tenant(claim.tenant);
        match self.acquire(call, claim, random, now) {
            Admission::Admitted { permit, .. } => Admission::Admitted {
                permit,
                would_reject: Some(refusal.reason),
            },
            other => other,
        }
    }

    /// Checks all rules but the gate. A call that passes is counted by the throttle and for its tenant; a rejected call
    /// is not counted.
    fn enter(
        &self,
        flags: u64,
        claim: &mut Claim,
        random: impl Fn() -> u64,
        now: impl Fn() -> Instant,
    ) -> Result<(), Refusal> {
        if flags & OFF != 0 {
            claim.tenant = None;
            return Ok(());
        }
        if flags & WATCHED != 0 && self.is_short_for(claim.criticality) {
            return Err(self.refusal(Reason::ResourceExhausted, random));
        }
        if flags & THROTTLED != 0 {
            self.throttle
                .admit(now(), &random)
                .map_err(|after| Refusal {
                    reason: Reason::ClientThrottled,
                    retry_after: Some(spread(nanos(after), random())),
                })?;
            claim.throttled = true;
        }
        if flags & TENANTED != 0
            && let Err(reason) = self.enter_tenant(claim.tenant, now())
        {
            self.withdraw(*claim, now);
            claim.throttled = false;
            return Err(self.refusal(reason, random));
        }
        Ok(())
    }

    /// Acquires a slot from the gate.
    fn acquire(
        &self,
        call: Call,
        claim: Claim,
        random: impl Fn() -> u64,
        now: impl Fn() -> Instant,
    ) -> Admission {
        let terms = || WaitParams {
            criticality: call.criticality,
            deadline: call.deadline,
        };
        let admission = match self.gate.try_acquire() {
            Some(permit) => bulkhead::Admission::Admitted {
                permit,
                would_reject: None,
            },
            None => self.gate.acquire(&random, terms, &now),
        };
        match admission {
            bulkhead::Admission::Admitted {
                permit,
                would_reject,
            } => {
                let mut permit = self.begin(permit, None, claim, now);
                permit.allow(call.caller_deadline);
                Admission::Admitted {
                    permit,
                    would_reject: would_reject.map(|why| self.full(why, call.criticality)),
                }
            }
            bulkhead::Admission::Rejected(why) => {
                // A reserved slot that is free is not a shortage of slots.
                if why != Reason::CriticalityTooLow {
                    self.limit.on_refused();
                }
                self.withdraw(claim, now);
                self.leave_tenant(claim);
                Admission::Rejected(self.refusal(self.full(why, call.criticality), random))
            }
            bulkhead::Admission::Waiting(waiter) => {
                self.counts.waiting[call.criticality.index()].fetch_add(1, Ordering::Relaxed);
                Admission::Waiting(Waiter {
                    gate: waiter,
                    claim,
                    caller_deadline: call.caller_deadline,
                    since: now(),
                })
            }
        }
    }

    pub(super) fn begin(
        &self,
        gate: bulkhead::Permit,
        since: Option<Instant>,
        claim: Claim,
        now: impl FnOnce() -> Instant,
    ) -> Permit {
        // A call that was admitted while the mode was off is not sampled.
        let sampled = claim.sampled && gate.is_counted();
        let begun = (sampled || claim.throttled).then(|| self.take_down(sampled, since, now()));
        Permit { gate, begun, claim }
    }

    /// Records the state when a call begins.
    fn take_down(&self, sampled: bool, since: Option<Instant>, now: Instant) -> Begun {
        let in_flight = self.gate.in_flight();
        Begun {
            at: now,
            waited: since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since)),
            caller_deadline: None,
            answered_after: None,
            is_exact: true,
            upload: None,
            in_flight: u32::try_from(in_flight).unwrap_or(u32::MAX),
            at_limit: since.is_some() || in_flight >= self.limit.limit(),
            sampled,
        }
    }

    /// Removes a call that was not sent, or is neutral, from the counts of the throttle.
    pub(super) fn withdraw(&self, claim: Claim, now: impl FnOnce() -> Instant) {
        if claim.throttled {
            self.throttle.withdraw(now());
        }
    }

    pub(super) fn refusal(&self, reason: Reason, random: impl FnOnce() -> u64) -> Refusal {
        // A caller without time left cannot retry either.
        let is_worth_it = reason != Reason::DeadlineTooShort;
        let waiting = &self.counts.waiting;
        let waiting = waiting.iter().map(|n| n.load(Ordering::Relaxed)).sum();
        Refusal {
            reason,
            retry_after: is_worth_it
                .then(|| self.hints.retry_after(waiting, random()))
                .flatten(),
        }
    }

    /// Whether a more critical call waits.
    pub(super) fn is_outranked(&self, criticality: Criticality) -> bool {
        let more = &self.counts.waiting[criticality.index() + 1..];
        more.iter().any(|n| n.load(Ordering::Relaxed) > 0)
    }

    /// Maps a full bulkhead to the reason of a shedder: the limit is reached, or more critical calls wait.
    fn full(&self, why: Reason, criticality: Criticality) -> Reason {
        match why {
            Reason::BulkheadFull if self.is_outranked(criticality) => Reason::CriticalityTooLow,
            Reason::BulkheadFull => Reason::LimitReached,
            other => other,
        }
    }

    fn is_short_for(&self, criticality: Criticality) -> bool {
        (criticality.index() as u64) < self.hot.least.load(Ordering::Relaxed)
    }

    fn config_mode(&self) -> crate::Mode {
        lock(&self.locked).config.mode
    }
}
