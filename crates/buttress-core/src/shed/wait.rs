use std::task::{Poll, Waker};
use std::time::Instant;

use super::{Permit, Place, Refusal, Shed};
use crate::Reason;
use crate::bulkhead::Verdict;
use crate::queue::Dropped;
use crate::sync::Ordering;

impl Shed {
    /// What became of a wait, or nothing yet: then `waker` is woken when something does. Ends with the first verdict.
    pub fn poll(
        &self,
        place: &Place,
        waker: &Waker,
        draw: impl FnOnce() -> u64,
        now: impl Fn() -> Instant,
    ) -> Poll<Result<Permit, Refusal>> {
        let Poll::Ready(verdict) = place.place.poll(waker) else {
            return Poll::Pending;
        };
        self.waits_no_more(place);
        Poll::Ready(match verdict {
            Verdict::Admitted(permit) => {
                let mut permit = self.begin(permit, Some(place.since), place.claim, now);
                permit.allow(place.caller_deadline);
                Ok(permit)
            }
            Verdict::Dropped(why) => Err(self.drop_out(place, why, draw, now)),
        })
    }

    /// Gives up waiting, if it is [time](Place::expires_at): why, unless there is a verdict already.
    pub fn give_up(
        &self,
        place: &Place,
        draw: impl FnOnce() -> u64,
        now: Instant,
    ) -> Option<Refusal> {
        let why = self.gate.give_up(&place.place, now)?;
        self.waits_no_more(place);
        Some(self.drop_out(place, why, draw, || now))
    }

    /// The rejection of a call that had a slot, and could not be made in the time it may wait.
    pub fn refuse(&self, why: Dropped, draw: impl FnOnce() -> u64) -> Refusal {
        self.refusal(why.reason(), draw)
    }

    /// Ends a wait whose caller left. A permit assigned meanwhile goes to the next waiter.
    #[cold]
    pub fn leave(&self, place: Place, now: impl Fn() -> Instant) {
        self.waits_no_more(&place);
        self.withdraw(place.claim, &now);
        self.leave_tenant(place.claim);
        self.gate.leave(place.place, now);
    }

    fn waits_no_more(&self, place: &Place) {
        self.counts.waiting[place.claim.criticality.index()].fetch_sub(1, Ordering::Relaxed);
    }

    fn drop_out(
        &self,
        place: &Place,
        why: Dropped,
        draw: impl FnOnce() -> u64,
        now: impl Fn() -> Instant,
    ) -> Refusal {
        self.limit.on_refused();
        self.withdraw(place.claim, now);
        self.leave_tenant(place.claim);
        let reason = match why {
            Dropped::Evicted if self.is_outranked(place.claim.criticality) => {
                Reason::CriticalityTooLow
            }
            other => other.reason(),
        };
        self.refusal(reason, draw)
    }
}
