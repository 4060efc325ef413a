use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use buttress_core::bulkhead::{Admission, Bulkhead as Rule, Permit, Stripe};
use buttress_core::queue::WaitParams;
use buttress_core::{BoxError, Lease, Name, Reason, Rejection, StripeIndex, Striped};
use buttress_metrics::{BulkheadEvent, BulkheadSignals};
use buttress_shell::{OpenBodies, OpenStripe};

use crate::BulkheadGuard;
use crate::bulkhead::now;
use crate::queued::Queued;

/// What all layers and services of one bulkhead share.
pub(crate) struct Shared {
    name: Name,
    rule: Rule,
    signals: BulkheadSignals,
    open: OpenBodies<Kept>,
}

/// What the threads of one processor have of it.
pub(crate) struct Local {
    pub(crate) stock: Stripe,
    pub(crate) open: Arc<OpenStripe<Kept>>,
}

/// One call's hold on what it shares.
pub(crate) type SharedLease = Lease<Shared, Local>;

/// What calls have it from.
pub(crate) type SharedStripes = Striped<Shared, Local>;

/// The slot of a call.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) permit: Permit,
    /// Whether the call shows on the gauge.
    pub(crate) shown: bool,
}

/// The result for a call for which the fast path found no slot.
pub(crate) enum Answer {
    Admitted(BulkheadGuard),
    Queued(Queued),
    Rejected(BoxError),
}

impl Shared {
    pub(crate) fn new(name: Name, rule: Rule) -> Self {
        Self {
            signals: BulkheadSignals::new(name.clone()),
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
    pub(crate) fn signals(&self) -> &BulkheadSignals {
        &self.signals
    }

    #[inline]
    pub(crate) fn open(&self) -> &OpenBodies<Kept> {
        &self.open
    }

    pub(crate) fn stripe(&self, stripe: StripeIndex) -> Local {
        Local {
            stock: self.rule.stripe(stripe),
            open: self.open.stripe(),
        }
    }

    /// Passes the slots of bodies that are not read to the next waiters. Returns whether there were any.
    #[cold]
    pub(crate) fn take_idle(&self) -> bool {
        let idle = self.open.take_idle();
        let any = !idle.is_empty();
        idle.into_iter().for_each(|kept| self.release(kept));
        any
    }

    /// Returns the slot of a call whose admission was observed.
    pub(crate) fn release(&self, kept: Kept) {
        if kept.shown {
            self.signals.left();
        }
        self.rule.release(kept.permit, now);
    }

    /// The rejection for a reason, with its signal.
    #[cold]
    pub(crate) fn reject(&self, reason: Reason) -> BoxError {
        self.signals.emit(BulkheadEvent::Rejected(reason));
        Rejection::new(reason, self.name.clone()).into()
    }
}

/// A slot of the fast path.
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
) -> Answer {
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
                lease.signals.emit(BulkheadEvent::WouldReject(reason));
            }
            Answer::Admitted(BulkheadGuard::new(lease, permit))
        }
        Admission::Rejected(reason) => Answer::Rejected(lease.reject(reason)),
        Admission::Waiting(place) => {
            // A slot that is taken back goes to the next waiter.
            lease.take_idle();
            Answer::Queued(Queued::new(lease, place))
        }
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
