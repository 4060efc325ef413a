use std::sync::Arc;
use std::time::Instant;

use super::claim::{Claim, Waiting};
use super::{Bulkhead, Locked, Permit, Place, Verdict, Waiter};
use crate::Mode;
use crate::queue::{Dropped, Exit};
use crate::sync::{MutexGuard, Ordering, full_fence};

impl Bulkhead {
    /// Gives a place back, or to whoever is next.
    #[expect(clippy::needless_pass_by_value, reason = "a permit is used up")]
    #[inline]
    pub fn release(&self, permit: Permit, now: impl FnOnce() -> Instant) {
        let Some(stripe) = permit.stripe() else {
            return self.release_claim(&permit, now);
        };
        if self.word().is_saturated() {
            return self.release_under_lock(1, now);
        }
        self.stock.put(stripe, 1);
        // A shortage may have begun meanwhile. Its gatherer writes the word and then takes what is in the stripes; here
        // it is the other way round, all of it in one order: one of the two sees the other.
        full_fence();
        if self.word().is_saturated() {
            self.release_under_lock(0, now);
        }
    }

    /// Gives up waiting, if it is [time](Place::gives_up): why, unless there is a verdict already.
    #[cold]
    pub fn give_up(&self, place: &Place, now: Instant) -> Option<Dropped> {
        let mut locked = self.lock();
        let why = locked.line(place.claim).expire(place.ticket, now)?;
        locked.forget(place.claim);
        self.relax(&locked);
        Some(why)
    }

    /// Ends a wait whose caller went away. What it was given meanwhile goes to whoever is next.
    #[cold]
    pub fn leave(&self, place: Place, now: impl FnOnce() -> Instant) {
        let Place {
            waiter,
            ticket,
            ahead,
            claim,
            ..
        } = place;
        let now = now();
        let mut locked = self.lock();
        let waited = if ahead {
            locked.readiness.remove(ticket, now).is_some()
        } else {
            locked.line(claim).remove(ticket, now).is_some()
        };
        if waited {
            locked.forget(claim);
            // Nobody else can have come to be next by that, but the shortage may be over.
            self.relax(&locked);
            return;
        }
        drop(locked);
        if let Some(permit) = waiter.leave() {
            self.release(permit, || now);
        }
    }

    #[cold]
    #[inline(never)]
    fn release_under_lock(&self, tokens: i64, now: impl FnOnce() -> Instant) {
        self.take_back(self.lock(), tokens, now);
    }

    /// Takes so many tokens back, and all that are in the stripes, for whoever is next.
    pub(super) fn take_back<'a>(
        &'a self,
        mut locked: MutexGuard<'a, Locked>,
        tokens: i64,
        now: impl FnOnce() -> Instant,
    ) {
        locked.free += tokens + self.stock.drain() as i64;
        if locked.nobody_waits() {
            self.relax(&locked);
        } else {
            self.serve(locked, now());
        }
    }

    /// Lets in whoever is next, for as long as there is room, and ends the shortage if there still is then.
    pub(super) fn serve<'a>(&'a self, mut locked: MutexGuard<'a, Locked>, now: Instant) {
        while let Some((waiter, verdict)) = locked.next(now) {
            // To wake is somebody else's code.
            drop(locked);
            let unheard = waiter.tell(verdict);
            locked = self.lock();
            if let Err(Verdict::Admitted(permit)) = unheard {
                locked.free += 1;
                permit
                    .claim()
                    .into_iter()
                    .for_each(|entry| locked.end(entry));
            }
        }
        self.relax(&locked);
    }

    /// Ends a shortage: not with the first place that is free, or the next call would begin another.
    fn relax(&self, locked: &Locked) {
        let enough = i64::from(locked.config.limit.div_ceil(4));
        if locked.nobody_waits() && locked.free >= enough && !locked.config.is_shared() {
            let word = self.word().relaxed();
            self.hot.0.store(word.0, Ordering::SeqCst);
        }
    }
}

impl Locked {
    /// Whoever leaves a queue next, if there is room, and what it is told.
    fn next(&mut self, now: Instant) -> Option<(Arc<Waiter>, Verdict)> {
        let ahead = |exit| match exit {
            Exit::Served(waiter) => (waiter, None),
            Exit::Dropped(waiter, why) => (waiter, Some(why)),
        };
        if self.config.is_shared()
            && let Some(exit) = self.readiness.pop(now)
        {
            // Whose its call will be shows when it is made.
            return Some((ahead(exit).0, Verdict::Dropped(Dropped::Displaced)));
        }
        let binding = matches!(self.config.mode, Mode::Enforce | Mode::EnforceFor(_));
        if self.free <= 0 && binding {
            return None;
        }
        let (waiter, claim, dropped) = match self.pop(now) {
            Some(Exit::Served(Waiting { waiter, claim })) => (waiter, claim, None),
            Some(Exit::Dropped(Waiting { waiter, claim }, why)) => (waiter, claim, Some(why)),
            None => {
                let (waiter, dropped) = ahead(self.readiness.pop(now)?);
                (waiter, Claim::None, dropped)
            }
        };
        let verdict = match dropped {
            None => {
                self.free -= 1;
                Verdict::Admitted(self.begin(claim))
            }
            Some(why) => {
                self.forget(claim);
                Verdict::Dropped(why)
            }
        };
        Some((waiter, verdict))
    }
}
