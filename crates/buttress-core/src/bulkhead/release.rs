use std::sync::Arc;
use std::time::Instant;

use super::{Bulkhead, Locked, Permit, Place, Verdict, Waiter};
use crate::Mode;
use crate::queue::{Dropped, Exit};
use crate::sync::{MutexGuard, Ordering, full_fence};

impl Bulkhead {
    /// Gives a place back, or to whoever is next.
    #[expect(clippy::needless_pass_by_value, reason = "a permit is used up")]
    #[inline]
    pub fn release(&self, permit: Permit, now: impl FnOnce() -> Instant) {
        let Some(stripe) = permit.token() else {
            return;
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
        let why = locked.queue.expire(place.ticket, now)?;
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
            ..
        } = place;
        let now = now();
        let mut locked = self.lock();
        let queue = if ahead {
            &mut locked.readiness
        } else {
            &mut locked.queue
        };
        if queue.remove(ticket, now).is_some() {
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
        let mut locked = self.lock();
        locked.free += tokens + self.stock.drain() as i64;
        if locked.nobody_waits() {
            self.relax(&locked);
        } else {
            self.serve(locked, now());
        }
    }

    /// Lets in whoever is next, for as long as there is room, and ends the shortage if there still is then.
    pub(super) fn serve<'a>(&'a self, mut locked: MutexGuard<'a, Locked>, now: Instant) {
        while let Some(exit) = locked.next(now) {
            // To wake is somebody else's code.
            drop(locked);
            let returned = match exit {
                Exit::Served(waiter) => !waiter.tell(Verdict::Admitted(Permit::counted())),
                Exit::Dropped(waiter, why) => {
                    waiter.tell(Verdict::Dropped(why));
                    false
                }
            };
            locked = self.lock();
            locked.free += i64::from(returned);
        }
        self.relax(&locked);
    }

    /// Ends a shortage: not with the first place that is free, or the next call would begin another.
    fn relax(&self, locked: &Locked) {
        let enough = i64::from(locked.config.limit.div_ceil(4));
        if locked.nobody_waits() && locked.free >= enough {
            let word = self.word().relaxed();
            self.hot.0.store(word.0, Ordering::SeqCst);
        }
    }
}

impl Locked {
    /// Whoever leaves the queue next, if there is room.
    fn next(&mut self, now: Instant) -> Option<Exit<Arc<Waiter>>> {
        let binding = matches!(self.config.mode, Mode::Enforce | Mode::EnforceFor(_));
        if self.free <= 0 && binding {
            return None;
        }
        let exit = self.queue.pop(now).or_else(|| self.readiness.pop(now))?;
        if let Exit::Served(_) = exit {
            self.free -= 1;
        }
        Some(exit)
    }
}
