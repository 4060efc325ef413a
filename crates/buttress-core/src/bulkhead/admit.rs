use std::sync::Arc;
use std::time::Instant;

use super::{Bulkhead, Locked, Place, Verdict, Waiter};
use crate::queue::{QueueRefusal, Terms};
use crate::sync::Ordering;
use crate::{Mode, Reason, StripeIndex};

/// A place, or as good as one. It must be [released](Bulkhead::release).
#[derive(Debug)]
#[must_use = "a permit that is not released is lost to the bulkhead"]
pub struct Permit {
    /// Where its token belongs.
    token: StripeIndex,
}

impl Permit {
    /// No token is behind it, because the mode was off.
    const UNCOUNTED: Self = Self {
        token: StripeIndex::NOWHERE,
    };

    /// Its token goes to the stripe of the thread that says so.
    pub(super) fn counted() -> Self {
        Self {
            token: StripeIndex::current(),
        }
    }

    /// Where its token belongs, if there is one.
    #[inline]
    pub(super) fn token(&self) -> Option<StripeIndex> {
        (self.token != StripeIndex::NOWHERE).then_some(self.token)
    }
}

/// What becomes of a call that did not find a place right away.
#[derive(Debug)]
#[must_use = "it may hold a permit"]
pub enum Admission {
    /// It may be made.
    Admitted {
        /// To be released when it has ended.
        permit: Permit,
        /// Why it would have been rejected, if the refusal had bound.
        would_reject: Option<Reason>,
    },
    /// It may not be made.
    Rejected(Reason),
    /// It may be made when its turn comes.
    Waiting(Place),
}

impl Bulkhead {
    /// A place, if one is at hand in that stripe. If not, [`acquire`](Self::acquire) finds out what becomes of the
    /// call.
    #[inline]
    pub fn try_acquire(&self, stripe: StripeIndex) -> Option<Permit> {
        (self.word().is_striped() && self.stock.take(stripe)).then_some(Permit { token: stripe })
    }

    /// A place, or a place in the queue, or why there is neither.
    ///
    /// `draw` is who the call is for a [mode](Mode) that binds for some; `terms` are those it waits on. Both,
    /// and the time, are asked for only where they matter.
    #[cold]
    #[inline(never)]
    pub fn acquire(
        &self,
        draw: impl FnOnce() -> u64,
        terms: impl FnOnce() -> Terms,
        now: impl FnOnce() -> Instant,
    ) -> Admission {
        let word = self.word();
        if word.is_off() {
            return Admission::Admitted {
                permit: Permit::UNCOUNTED,
                would_reject: None,
            };
        }
        // Both may be somebody else's code, which has no business under the lock.
        let draw = if word.is_partial() { draw() } else { 0 };
        let mut locked = self.lock();
        if self.take(&mut locked) {
            return Admission::Admitted {
                permit: Permit::counted(),
                would_reject: None,
            };
        }
        if !locked.config.mode.binds(|| draw) {
            let would_reject = locked.overdraw();
            return Admission::Admitted {
                permit: Permit::counted(),
                would_reject,
            };
        }
        if locked.queue.config().has_no_room() {
            return Admission::Rejected(Reason::BulkheadFull);
        }
        drop(locked);
        self.wait(terms(), now())
    }

    /// A place ahead of a call, for which one waits as long as it takes. `None` where refusals do not bind for all
    /// calls: whether this one waits shows when it is made.
    #[cold]
    #[inline(never)]
    pub fn reserve(&self, now: impl FnOnce() -> Instant) -> Option<Admission> {
        let mut locked = self.lock();
        if locked.config.mode != Mode::Enforce {
            return None;
        }
        if self.take(&mut locked) {
            return Some(Admission::Admitted {
                permit: Permit::counted(),
                would_reject: None,
            });
        }
        let waiter = Arc::new(Waiter::default());
        let pushed = locked
            .readiness
            .push(Arc::clone(&waiter), Terms::default(), now())
            .ok()?;
        Some(Admission::Waiting(Place {
            waiter,
            ticket: pushed.ticket,
            ahead: true,
            gives_up: None,
        }))
    }

    /// Waits, unless a place became free meanwhile or the queue has no use for the call.
    fn wait(&self, terms: Terms, now: Instant) -> Admission {
        let mut locked = self.lock();
        if self.take(&mut locked) {
            return Admission::Admitted {
                permit: Permit::counted(),
                would_reject: None,
            };
        }
        if let Some(refusal) = locked.queue.refusal(terms, now) {
            return Admission::Rejected(match refusal {
                QueueRefusal::Full => Reason::BulkheadFull,
                QueueRefusal::TooLate => Reason::DeadlineTooShort,
            });
        }
        let waiter = Arc::new(Waiter::default());
        match locked.queue.push(Arc::clone(&waiter), terms, now) {
            Ok(pushed) => {
                let gives_up = locked.queue.gives_up_at(pushed.ticket);
                drop(locked);
                if let Some((displaced, why)) = pushed.displaced {
                    displaced.tell(Verdict::Dropped(why));
                }
                Admission::Waiting(Place {
                    waiter,
                    ticket: pushed.ticket,
                    ahead: false,
                    gives_up,
                })
            }
            Err(_) => Admission::Rejected(Reason::BulkheadFull),
        }
    }

    /// A token from under the lock, with all others gathered if need be.
    fn take(&self, locked: &mut Locked) -> bool {
        if !self.word().is_saturated() {
            if locked.free > 0 {
                locked.free -= 1;
                self.restock(locked);
                return true;
            }
            self.gather(locked);
        }
        let free = locked.nobody_waits() && locked.free > 0;
        locked.free -= i64::from(free);
        free
    }

    /// Brings all tokens under the lock, and keeps them coming there.
    pub(super) fn gather(&self, locked: &mut Locked) {
        // First the word, then the stripes: see `release`.
        self.hot
            .0
            .store(self.word().saturated().0, Ordering::SeqCst);
        locked.free += self.stock.drain() as i64;
    }

    /// Puts some of what is free into the stripe of a thread that has none, for its next calls.
    fn restock(&self, locked: &mut Locked) {
        let share = locked.free / (2 * self.stock.stripes() as i64);
        if share > 0 {
            locked.free -= share;
            self.stock.put(StripeIndex::current(), share as u64);
        }
    }
}

impl Locked {
    pub(super) fn nobody_waits(&self) -> bool {
        self.queue.is_empty() && self.readiness.is_empty()
    }

    /// A place beyond the limit, for a call that a refusal does not bind. Those beyond it stand for those who would
    /// wait; one more than may wait would have been rejected.
    fn overdraw(&mut self) -> Option<Reason> {
        let beyond = usize::try_from(-self.free).unwrap_or(0);
        self.free -= 1;
        (beyond >= self.config.queue.capacity).then_some(Reason::BulkheadFull)
    }
}
