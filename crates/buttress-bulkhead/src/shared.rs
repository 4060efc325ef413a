use std::borrow::Cow;
use std::fmt;

use buttress_core::bulkhead::{Admission, Bulkhead as Rule, Stripe};
use buttress_core::queue::Terms;
use buttress_core::{BoxError, Lease, Name, Reason, Rejection, Striped};
use buttress_metrics::{BulkheadEvent, BulkheadSignals};

use crate::BulkheadGuard;
use crate::bulkhead::now;
use crate::queued::Queued;

/// What all layers and services of one bulkhead share.
pub(crate) struct Shared {
    name: Name,
    rule: Rule,
    signals: BulkheadSignals,
}

/// One call's hold on what it shares.
pub(crate) type SharedLease = Lease<Shared, Stripe>;

/// What calls have it from.
pub(crate) type SharedStripes = Striped<Shared, Stripe>;

/// What becomes of a call for which no place was at hand.
pub(crate) enum Answer {
    Admitted(BulkheadGuard),
    Queued(Queued),
    Rejected(BoxError),
}

impl Shared {
    pub(crate) fn new(name: Name, rule: Rule) -> Self {
        Self {
            signals: BulkheadSignals::new(name.clone()),
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

    /// The refusal for a reason, which the world hears of.
    #[cold]
    pub(crate) fn reject(&self, reason: Reason) -> BoxError {
        self.signals.emit(BulkheadEvent::Rejected(reason));
        Rejection::new(reason, self.name.clone()).into()
    }
}

/// A place that is at hand.
#[inline(always)]
pub(crate) fn try_admit(shared: &SharedStripes) -> Option<BulkheadGuard> {
    let lease = shared.lease();
    let permit = lease.local().try_acquire()?;
    Some(BulkheadGuard::new(lease, permit))
}

/// Finds out what becomes of a call for which no place is at hand.
#[cold]
pub(crate) fn admit<'a>(
    shared: &SharedStripes,
    key: impl FnOnce() -> Option<Cow<'a, str>>,
    draw: impl FnOnce() -> u64,
    terms: impl FnOnce() -> Terms,
) -> Answer {
    let lease = shared.lease();
    match lease.rule.acquire_by(key, draw, terms, now) {
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
        Admission::Waiting(place) => Answer::Queued(Queued::new(lease, place)),
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
