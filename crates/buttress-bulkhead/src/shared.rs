use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Instant;

use buttress_core::bulkhead::{Admission, Bulkhead as Rule, Permit, Stripe, Verdict, Waiter};
use buttress_core::queue::{Dropped, WaitParams};
use buttress_core::shed::Refusal;
use buttress_core::{Name, Reason, StripeIndex, Striped};
use buttress_metrics::{Limiter as Kind, LimiterEvent, LimiterSignals};
use buttress_shell::{
    Decision, Limiter, LimiterLease, Lookout, OpenBodies, OpenStripe, Queued, now,
};

use crate::BulkheadGuard;

/// The state that all layers and services of a bulkhead share.
#[expect(
    unnameable_types,
    reason = "a type parameter of the future, not for other use"
)]
pub struct Shared {
    name: Name,
    rule: Rule,
    signals: LimiterSignals,
    open: OpenBodies<HeldSlot>,
}

/// The state for the threads of one processor.
#[expect(
    unnameable_types,
    reason = "a type parameter of the future, not for other use"
)]
pub struct Local {
    pub(crate) stock: Stripe,
    pub(crate) open: Arc<OpenStripe<HeldSlot>>,
}

/// A call's reference to the shared state.
pub(crate) type SharedLease = LimiterLease<Shared>;

/// The shared state, in stripes.
pub(crate) type SharedStripes = Striped<Shared, Local>;

/// The slot of a call.
#[derive(Debug)]
pub(crate) struct HeldSlot {
    pub(crate) permit: Permit,
    /// Whether the gauge counts the call.
    pub(crate) shown: bool,
}

impl Shared {
    pub(crate) fn new(name: Name, rule: Rule) -> Self {
        Self {
            signals: LimiterSignals::new(Kind::Bulkhead, name.clone(), rule.limit().into()),
            open: OpenBodies::new(rule.reader_idle()),
            name,
            rule,
        }
    }

    pub(crate) fn name(&self) -> &Name {
        &self.name
    }

    #[inline]
    pub(crate) fn rule(&self) -> &Rule {
        &self.rule
    }

    #[inline]
    pub(crate) fn signals(&self) -> &LimiterSignals {
        &self.signals
    }

    #[inline]
    pub(crate) fn open(&self) -> &OpenBodies<HeldSlot> {
        &self.open
    }

    pub(crate) fn stripe(&self, stripe: StripeIndex) -> Local {
        Local {
            stock: self.rule.stripe(stripe),
            open: self.open.stripe(),
        }
    }

    /// Passes the slots of idle bodies to the next waiters. Returns whether there were any.
    #[cold]
    pub(crate) fn take_idle(&self) -> bool {
        let idle = self.open.take_idle();
        let any = !idle.is_empty();
        idle.into_iter().for_each(|kept| self.release(kept));
        any
    }

    /// Returns the slot of a call whose admission was observed.
    pub(crate) fn release(&self, kept: HeldSlot) {
        if kept.shown {
            self.signals.left();
        }
        self.rule.release(kept.permit, now);
    }
}

/// Takes a slot on the fast path.
#[inline(always)]
pub(crate) fn try_admit(shared: &SharedStripes) -> Option<BulkheadGuard> {
    let lease = shared.lease();
    let permit = lease.local().stock.try_acquire()?;
    Some(BulkheadGuard::new(lease, permit))
}

/// Decides about a call for which the fast path found no slot.
#[cold]
pub(crate) fn admit<'a>(
    shared: &SharedStripes,
    key: impl Fn() -> Option<Cow<'a, str>>,
    draw: impl Fn() -> u64,
    terms: impl Fn() -> WaitParams,
) -> Decision<Shared> {
    let lease = shared.lease();
    let acquire = || lease.rule.acquire_by(&key, &draw, &terms, now);
    let admission = match acquire() {
        Admission::Rejected(_) if lease.take_idle() => acquire(),
        admission => admission,
    };
    match admission {
        Admission::Admitted {
            permit,
            would_reject,
        } => {
            if let Some(reason) = would_reject {
                lease.signals.emit(LimiterEvent::WouldReject(reason));
            }
            Decision::Admitted(BulkheadGuard::new(lease, permit))
        }
        Admission::Rejected(reason) => Decision::Rejected(lease.reject(without_hint(reason))),
        Admission::Waiting(place) => {
            // A slot that is taken back goes to the next waiter.
            lease.take_idle();
            Decision::Queued(Queued::new(lease, place))
        }
    }
}

impl Limiter for Shared {
    type Local = Local;
    type Guard = BulkheadGuard;
    type Context = ();
    type Waiter = Waiter;

    fn of(guard: &BulkheadGuard) -> &Self {
        guard.shared()
    }

    fn name(&self) -> &Name {
        &self.name
    }

    fn signals(&self) -> &LimiterSignals {
        &self.signals
    }

    fn limit(&self) -> u64 {
        self.rule.limit().into()
    }

    fn poll(
        lease: &SharedLease,
        place: &mut Waiter,
        waker: &Waker,
    ) -> Poll<Result<BulkheadGuard, Refusal>> {
        place.poll(waker).map(|verdict| match verdict {
            Verdict::Admitted(permit) => Ok(BulkheadGuard::new(lease.clone(), permit)),
            Verdict::Dropped(why) => Err(lease.refuse(why)),
        })
    }

    fn ends(place: &Waiter) -> Option<(Instant, Dropped)> {
        place.ends()
    }

    fn expire(&self, place: &Waiter, now: Instant) -> Option<Refusal> {
        let why = self.rule.expire(place, now)?;
        Some(self.refuse(why))
    }

    fn leave(&self, place: Waiter) {
        self.rule.leave(place, now);
    }

    fn refuse(&self, why: Dropped) -> Refusal {
        without_hint(why.reason())
    }

    /// Takes slots back from idle bodies, for a call that waits longer than `reader_idle`.
    fn lookout(lease: &SharedLease, place: &Waiter) -> Option<Lookout> {
        let ends = place.ends();
        let first = lease.open.next_look()?;
        if ends.is_some_and(|(at, _)| at <= first) {
            return None;
        }
        let shared = lease.clone();
        Some(Lookout::new(first, move || {
            shared.take_idle();
            shared.open.next_look()
        }))
    }
}

/// A bulkhead does not measure how fast slots become free, so its rejections have no `Retry-After`.
fn without_hint(reason: Reason) -> Refusal {
    Refusal {
        reason,
        retry_after: None,
    }
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Local")
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("name", &self.name)
            .field("rule", &self.rule)
            .finish_non_exhaustive()
    }
}
