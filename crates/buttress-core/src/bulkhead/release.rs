use std::sync::Arc;
use std::time::Instant;

use super::owner::{Owner, Waiting};
use super::{Bulkhead, Locked, Permit, Stripe, Turn, Verdict, WaitCell, Waiter};
use crate::queue::{Dequeued, Dropped};
use crate::sync::MutexGuard;
use crate::{Mode, StripeIndex};

impl Bulkhead {
    /// Returns a slot, or passes it to the next waiter.
    #[inline]
    pub fn release(&self, permit: Permit, now: impl FnOnce() -> Instant) {
        self.release_to(self.tokens.of(StripeIndex::current()), permit, now);
    }

    /// Like [`release`](Self::release), through a stripe, which must be [one of this bulkhead](Self::stripe).
    #[expect(clippy::needless_pass_by_value, reason = "a permit is used up")]
    #[inline]
    pub fn release_to(&self, stripe: &Stripe, permit: Permit, now: impl FnOnce() -> Instant) {
        if permit != Permit::COUNTED {
            self.release_claim(&permit, now);
        } else if !stripe.put(1) {
            self.fetch(stripe, now);
        }
    }

    /// Ends a wait that has [expired](Waiter::expires_at), and returns why. `None` if it has not expired, or has a
    /// result already.
    #[cold]
    pub fn expire(&self, waiter: &Waiter, now: Instant) -> Option<Dropped> {
        let mut locked = self.lock();
        let why = locked.line(waiter.claim).expire(waiter.ticket, now)?;
        locked.forget(waiter.claim);
        self.unlock(&mut locked);
        Some(why)
    }

    /// Ends a wait whose caller left. A permit assigned meanwhile goes to the next waiter.
    #[cold]
    pub fn leave(&self, waiter: Waiter, now: impl FnOnce() -> Instant) {
        let Waiter {
            cell,
            ticket,
            ahead,
            claim,
            ..
        } = waiter;
        let now = now();
        let mut locked = self.lock();
        let waited = if ahead {
            locked.readiness.remove(ticket, now).is_some()
        } else {
            locked.line(claim).remove(ticket, now).is_some()
        };
        if waited {
            locked.forget(claim);
            // The next waiter is the same, but the shortage may be over.
            self.unlock(&mut locked);
            return;
        }
        drop(locked);
        if let Some(permit) = cell.leave() {
            self.release(permit, || now);
        }
    }

    /// Collects the tokens of a stripe that was closed, unless it has been opened again.
    #[cold]
    #[inline(never)]
    fn fetch(&self, stripe: &Stripe, now: impl FnOnce() -> Instant) {
        let locked = self.lock();
        let tokens = if locked.saturated { stripe.close() } else { 0 };
        self.take_back(locked, tokens, now);
    }

    /// Returns `count` tokens, for the next waiters.
    pub(super) fn take_back<'a>(
        &'a self,
        mut locked: MutexGuard<'a, Locked>,
        tokens: u64,
        now: impl FnOnce() -> Instant,
    ) {
        locked.free += tokens as i64;
        if locked.no_waiters() {
            self.unlock(&mut locked);
        } else {
            self.serve(locked, now());
        }
    }

    /// Admits waiters while there is room, and ends the shortage if there is room left after that.
    pub(super) fn serve<'a>(&'a self, mut locked: MutexGuard<'a, Locked>, now: Instant) {
        while let Some((cell, verdict)) = locked.next(now) {
            // Waking runs foreign code.
            drop(locked);
            let unheard = cell.set(verdict);
            locked = self.lock();
            if let Err(Verdict::Admitted(permit)) = unheard {
                locked.free += 1;
                permit
                    .claim()
                    .into_iter()
                    .for_each(|entry| locked.end(entry));
            }
        }
        self.unlock(&mut locked);
    }

    /// Ends a shortage. One free slot is not enough, because the next call would begin another shortage.
    fn unlock(&self, locked: &mut Locked) {
        let enough = i64::from(locked.config.limit.div_ceil(4));
        let is_over = locked.no_waiters() && locked.free >= enough;
        if locked.saturated && is_over && locked.config.is_striped() {
            locked.saturated = false;
            self.tokens.open();
        }
    }
}

impl Locked {
    /// The next waiter to leave a queue, if there is room, and its result.
    fn next(&mut self, now: Instant) -> Option<(Arc<WaitCell>, Verdict)> {
        let ahead = |exit| match exit {
            Dequeued::Served(cell) => (cell, None),
            Dequeued::Dropped(cell, why) => (cell, Some(why)),
        };
        if self.config.is_shared()
            && let Some(exit) = self.readiness.pop(now)
        {
            // The owner of its call is known when the call is made.
            return Some((ahead(exit).0, Verdict::Dropped(Dropped::Evicted)));
        }
        let binding = matches!(self.config.mode, Mode::Enforce | Mode::EnforceFor(_));
        if self.free <= 0 && binding {
            return None;
        }
        let queued = match self.turn {
            Turn::Readiness if !self.readiness.is_empty() => None,
            Turn::Queue | Turn::Readiness => self.pop(now),
        };
        let (cell, claim, dropped, next) = match queued {
            Some(Dequeued::Served(Waiting { cell, claim })) => (cell, claim, None, Turn::Readiness),
            Some(Dequeued::Dropped(Waiting { cell, claim }, why)) => {
                (cell, claim, Some(why), Turn::Readiness)
            }
            None => {
                let (cell, dropped) = ahead(self.readiness.pop(now)?);
                (cell, Owner::None, dropped, Turn::Queue)
            }
        };
        let verdict = match dropped {
            None => {
                self.turn = next;
                self.free -= 1;
                Verdict::Admitted(self.begin(claim))
            }
            Some(why) => {
                self.forget(claim);
                Verdict::Dropped(why)
            }
        };
        Some((cell, verdict))
    }
}

#[cfg(all(test, not(buttress_loom)))]
mod tests {
    use super::*;
    use crate::bulkhead::{Admission, BulkheadConfig};
    use crate::queue::WaitParams;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "some moment to begin at")]
    fn a_permit_for_a_waiter_that_just_left_goes_to_the_next() {
        let now = Instant::now();
        let config = BulkheadConfig::default().limit(1).queue(2);
        let bulkhead = Bulkhead::new(config.order(crate::queue::Order::Fifo), now).expect("valid");
        let ask = || bulkhead.acquire(|| 0, WaitParams::default, || now);
        let Admission::Admitted { permit, .. } = ask() else {
            panic!("there is room");
        };
        let (Admission::Waiting(leaves), Admission::Waiting(next)) = (ask(), ask()) else {
            panic!("there is room to wait");
        };
        // Another thread has taken it out of the queue, and this one leaves before it is notified.
        assert!(leaves.cell.leave().is_none());
        bulkhead.release(permit, || now);
        let heard = next.poll(std::task::Waker::noop());
        let std::task::Poll::Ready(Verdict::Admitted(permit)) = heard else {
            panic!("{heard:?}");
        };
        bulkhead.release(permit, || now);
        assert_eq!(bulkhead.snapshot(now).in_flight, 0);
    }
}
