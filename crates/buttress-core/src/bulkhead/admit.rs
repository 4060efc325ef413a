use std::sync::Arc;
use std::time::Instant;

use super::owner::{Owner, Waiting};
use super::{Bulkhead, Locked, Stripe, Verdict, WaitCell, Waiter};
use crate::queue::{Enqueued, QueueRefusal, WaitParams};
use crate::sync::MutexGuard;
use crate::{Mode, Reason, StripeIndex};

/// A slot, or a permit that counts as one. It must be [released](Bulkhead::release).
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a permit that is not released is lost to the bulkhead"]
pub struct Permit(u32);

impl Permit {
    /// Without a token, because the mode was off.
    const UNCOUNTED: Self = Self(u32::MAX);
    /// With a token.
    pub(super) const COUNTED: Self = Self(u32::MAX - 1);

    /// Its token stays under the lock, in the entry of its owner. `None` if the number of entries would exceed memory.
    pub(super) fn with_claim(entry: u32) -> Option<Self> {
        (entry < Self::COUNTED.0).then_some(Self(entry))
    }

    /// Takes the permit, and leaves one that has no effect when it is released.
    #[inline]
    pub fn take(&mut self) -> Self {
        std::mem::replace(self, Self::UNCOUNTED)
    }

    /// Whether it counts against the limit.
    #[inline]
    #[must_use]
    pub fn is_counted(&self) -> bool {
        *self != Self::UNCOUNTED
    }

    /// The entry of its owner, if there is one.
    pub(super) fn claim(&self) -> Option<u32> {
        (self.0 < Self::COUNTED.0).then_some(self.0)
    }
}

/// The decision about a call.
#[derive(Debug)]
#[must_use = "it may hold a permit"]
pub enum Admission {
    /// Admitted.
    Admitted {
        /// To be released when the call has ended.
        permit: Permit,
        /// Why the call would have been rejected, if rejections were enforced.
        would_reject: Option<Reason>,
    },
    /// Rejected.
    Rejected(Reason),
    /// In the queue.
    Waiting(Waiter),
}

impl Bulkhead {
    /// The tokens of one stripe, for handles that [share](crate::Striped) a bulkhead.
    pub fn stripe(&self, stripe: StripeIndex) -> Stripe {
        self.tokens.of(stripe).clone()
    }

    /// A slot, if the stripe of this thread [has one](Stripe::try_acquire).
    #[inline]
    pub fn try_acquire(&self) -> Option<Permit> {
        self.tokens.of(StripeIndex::current()).try_acquire()
    }

    /// Admits a call, queues it, or rejects it.
    ///
    /// `random` identifies the call for a [mode](Mode) that enforces for a share of calls; `terms` are the parameters
    /// of its wait. Both, and the time, are evaluated only if needed.
    #[cold]
    #[inline(never)]
    pub fn acquire(
        &self,
        random: impl FnOnce() -> u64,
        terms: impl FnOnce() -> WaitParams,
        now: impl FnOnce() -> Instant,
    ) -> Admission {
        let flags = self.flags();
        if flags.is_off() {
            return Admission::Admitted {
                permit: Permit::UNCOUNTED,
                would_reject: None,
            };
        }
        // Both may run foreign code, which must not run under the lock.
        let random = if flags.is_partial() { random() } else { 0 };
        if flags.is_shared() {
            return self.acquire_shared("", random, terms(), now());
        }
        let mut locked = self.lock();
        if self.take(&mut locked) {
            return Admission::Admitted {
                permit: Permit::COUNTED,
                would_reject: None,
            };
        }
        if !locked.config.mode.is_enforced(|| random) {
            let would_reject = locked.force_acquire();
            return Admission::Admitted {
                permit: Permit::COUNTED,
                would_reject,
            };
        }
        if locked.queue.config().has_no_room() {
            return Admission::Rejected(Reason::BulkheadFull);
        }
        drop(locked);
        self.wait(terms(), now())
    }

    /// Like [`acquire`](Self::acquire), for a call with a key: the name of its partition, or of its tenant. The key is
    /// evaluated only if the limit is shared.
    #[cold]
    #[inline(never)]
    pub fn acquire_by<K: AsRef<str>>(
        &self,
        key: impl FnOnce() -> Option<K>,
        random: impl FnOnce() -> u64,
        terms: impl FnOnce() -> WaitParams,
        now: impl FnOnce() -> Instant,
    ) -> Admission {
        let flags = self.flags();
        if flags.is_off() || !flags.is_shared() {
            return self.acquire(random, terms, now);
        }
        let key = key();
        let random = if flags.is_partial() { random() } else { 0 };
        let key = key.as_ref().map_or("", AsRef::as_ref);
        self.acquire_shared(key, random, terms(), now())
    }

    /// Acquires a slot ahead of a call, and waits for it without bound. `None` if rejections are not enforced for all
    /// calls, or the limit is shared: then the decision is made with the call.
    #[cold]
    #[inline(never)]
    pub fn reserve(&self, now: impl FnOnce() -> Instant) -> Option<Admission> {
        let mut locked = self.lock();
        if locked.config.mode != Mode::Enforce || locked.config.is_shared() {
            return None;
        }
        if self.take(&mut locked) {
            return Some(Admission::Admitted {
                permit: Permit::COUNTED,
                would_reject: None,
            });
        }
        let cell = Arc::new(WaitCell::default());
        let pushed = locked
            .readiness
            .push(Arc::clone(&cell), WaitParams::default(), now())
            .ok()?;
        Some(Admission::Waiting(Waiter {
            cell,
            ticket: pushed.ticket,
            ahead: true,
            claim: Owner::None,
            expires_at: None,
        }))
    }

    /// Queues a call, unless a slot became free meanwhile or the queue rejects it.
    fn wait(&self, terms: WaitParams, now: Instant) -> Admission {
        let mut locked = self.lock();
        if self.take(&mut locked) {
            return Admission::Admitted {
                permit: Permit::COUNTED,
                would_reject: None,
            };
        }
        self.enqueue(locked, Owner::None, terms, now)
    }

    /// Acquires a slot of a shared limit. The limit may no longer be shared.
    fn acquire_shared(&self, key: &str, random: u64, terms: WaitParams, now: Instant) -> Admission {
        let mut locked = self.lock();
        if !locked.saturated {
            self.lock_all(&mut locked);
        }
        let enforced = locked.config.mode.is_enforced(|| random);
        let (claim, mut would_reject) = match locked.claim(key, terms.criticality, enforced, now) {
            Ok(claim) => claim,
            Err(reason) => return Admission::Rejected(reason),
        };
        if locked.may_enter(claim, now) {
            locked.free -= 1;
        } else if !enforced {
            let beyond = locked.force_acquire();
            would_reject = would_reject.or(beyond);
        } else if locked.queue.config().has_no_room() {
            let reason = locked.reject(claim, now);
            locked.forget(claim);
            return Admission::Rejected(reason);
        } else {
            return self.enqueue(locked, claim, terms, now);
        }
        Admission::Admitted {
            permit: locked.begin(claim),
            would_reject,
        }
    }

    /// Queues a call, unless the queue rejects it.
    fn enqueue(
        &self,
        mut locked: MutexGuard<'_, Locked>,
        claim: Owner,
        terms: WaitParams,
        now: Instant,
    ) -> Admission {
        let refusal = locked.line(claim).refusal(terms, now);
        if let Some(refusal) = refusal {
            locked.forget(claim);
            return Admission::Rejected(match refusal {
                QueueRefusal::Full => Reason::BulkheadFull,
                QueueRefusal::TooLate => Reason::DeadlineTooShort,
            });
        }
        let cell = Arc::new(WaitCell::default());
        let waiting = Waiting {
            cell: Arc::clone(&cell),
            claim,
        };
        let line = locked.line(claim);
        let Ok(Enqueued { ticket, displaced }) = line.push(waiting, terms, now) else {
            locked.forget(claim);
            return Admission::Rejected(Reason::BulkheadFull);
        };
        let expires_at = line.expires_at(ticket);
        if let Some((displaced, _)) = &displaced {
            locked.forget(displaced.claim);
        }
        // Waking runs foreign code.
        drop(locked);
        if let Some((displaced, why)) = displaced {
            let _ = displaced.cell.set(Verdict::Dropped(why));
        }
        Admission::Waiting(Waiter {
            cell,
            ticket,
            ahead: false,
            claim,
            expires_at,
        })
    }

    /// Takes a token from under the lock, after collecting all others if necessary.
    fn take(&self, locked: &mut Locked) -> bool {
        if !locked.saturated {
            if locked.free > 0 {
                locked.free -= 1;
                self.refill(locked);
                return true;
            }
            self.lock_all(locked);
        }
        let free = locked.no_waiters() && locked.free > 0;
        locked.free -= i64::from(free);
        free
    }

    /// Collects all tokens under the lock, and closes the stripes so that returned tokens go there as well.
    pub(super) fn lock_all(&self, locked: &mut Locked) {
        locked.saturated = true;
        locked.free += self.tokens.close() as i64;
    }

    /// Moves some free tokens to the stripe of a thread that has none.
    fn refill(&self, locked: &mut Locked) {
        let share = locked.free / (2 * self.tokens.stripes() as i64);
        if share > 0 {
            locked.free -= share;
            // The stripe is open, because there is no shortage.
            self.tokens.of(StripeIndex::current()).put(share as u64);
        }
    }
}

impl Locked {
    pub(super) fn no_waiters(&self) -> bool {
        self.queue.is_empty() && self.readiness.is_empty() && self.sharing.no_waiters()
    }

    /// A slot beyond the limit, for a call whose rejection is not enforced. Calls beyond the limit count as calls that
    /// would wait; a call beyond the queue's capacity as well would have been rejected.
    fn force_acquire(&mut self) -> Option<Reason> {
        let beyond = usize::try_from(-self.free).unwrap_or(0);
        self.free -= 1;
        (beyond >= self.config.queue.capacity).then_some(Reason::BulkheadFull)
    }
}

#[cfg(all(test, not(buttress_loom)))]
mod tests {
    use std::time::Instant;

    use super::Permit;
    use crate::bulkhead::{Bulkhead, BulkheadConfig};
    use crate::queue::WaitParams;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "some moment to begin at")]
    fn a_call_brings_its_stripe_half_of_an_even_share_of_what_is_free() {
        let (limit, now) = (BulkheadConfig::MAX_LIMIT, Instant::now());
        let config = BulkheadConfig::default().limit(limit);
        let bulkhead = Bulkhead::new(config, now).expect("valid");
        assert!(bulkhead.try_acquire().is_none());
        let _first = bulkhead.acquire(|| 0, WaitParams::default, || now);
        let at_hand = std::iter::from_fn(|| bulkhead.try_acquire()).count();
        let free = limit as usize - 1;
        assert_eq!(at_hand, free / (2 * bulkhead.tokens.stripes()));
    }

    #[test]
    fn a_permit_encodes_its_kind() {
        let last = Permit::COUNTED.0 - 1;
        let with_claim = |entry| Permit::with_claim(entry).and_then(|permit| permit.claim());
        assert_eq!(with_claim(0), Some(0));
        assert_eq!(with_claim(last), Some(last));
        assert_eq!(Permit::with_claim(last + 1), None);
        for (permit, counted) in [(Permit::COUNTED, true), (Permit::UNCOUNTED, false)] {
            assert_eq!(permit.is_counted(), counted);
            assert_eq!(permit.claim(), None);
        }
    }

    #[test]
    fn a_permit_is_taken_once() {
        let mut permit = Permit::COUNTED;
        assert_eq!(permit.take(), Permit::COUNTED);
        assert_eq!(permit.take(), Permit::UNCOUNTED);
    }
}
