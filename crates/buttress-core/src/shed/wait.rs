use std::task::{Poll, Waker};
use std::time::Instant;

use super::{Permit, Refusal, Shed, Waiter};
use crate::Reason;
use crate::bulkhead::Verdict;
use crate::queue::Dropped;
use crate::sync::Ordering;

impl Shed {
    /// Polls a wait: ready with a permit or the rejection. If pending, `waker` is woken when there is a result. Must
    /// not be polled again after that.
    pub fn poll(
        &self,
        waiter: &Waiter,
        waker: &Waker,
        random: impl FnOnce() -> u64,
        now: impl Fn() -> Instant,
    ) -> Poll<Result<Permit, Refusal>> {
        let Poll::Ready(verdict) = waiter.gate.poll(waker) else {
            return Poll::Pending;
        };
        self.waits_no_more(waiter);
        Poll::Ready(match verdict {
            Verdict::Admitted(permit) => {
                let mut permit = self.begin(permit, Some(waiter.since), waiter.claim, now);
                permit.allow(waiter.caller_deadline);
                Ok(permit)
            }
            Verdict::Dropped(why) => Err(self.drop_out(waiter, why, random, now)),
        })
    }

    /// Ends a wait that has [expired](Waiter::expires_at), and returns the rejection. `None` if it has not expired, or
    /// has a result already.
    pub fn expire(
        &self,
        waiter: &Waiter,
        random: impl FnOnce() -> u64,
        now: Instant,
    ) -> Option<Refusal> {
        let why = self.gate.expire(&waiter.gate, now)?;
        self.waits_no_more(waiter);
        Some(self.drop_out(waiter, why, random, || now))
    }

    /// The rejection of a call that had a slot, but whose service did not become ready in time.
    pub fn refuse(&self, why: Dropped, random: impl FnOnce() -> u64) -> Refusal {
        self.refusal(why.reason(), random)
    }

    /// Ends a wait whose caller left. A permit assigned meanwhile goes to the next waiter.
    #[cold]
    pub fn leave(&self, waiter: Waiter, now: impl Fn() -> Instant) {
        self.waits_no_more(&waiter);
        self.withdraw(waiter.claim, &now);
        self.leave_tenant(waiter.claim);
        self.gate.leave(waiter.gate, now);
    }

    fn waits_no_more(&self, waiter: &Waiter) {
        self.counts.waiting[waiter.claim.criticality.index()].fetch_sub(1, Ordering::Relaxed);
    }

    fn drop_out(
        &self,
        waiter: &Waiter,
        why: Dropped,
        random: impl FnOnce() -> u64,
        now: impl Fn() -> Instant,
    ) -> Refusal {
        self.limit.on_refused();
        self.withdraw(waiter.claim, now);
        self.leave_tenant(waiter.claim);
        let reason = match why {
            Dropped::Evicted if self.is_outranked(waiter.claim.criticality) => {
                Reason::CriticalityTooLow
            }
            other => other.reason(),
        };
        self.refusal(reason, random)
    }
}
