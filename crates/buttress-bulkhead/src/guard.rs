use buttress_core::bulkhead::Permit;
use buttress_core::queue::Dropped;
use buttress_core::{BoxError, Guard, Report};

use crate::bulkhead::now;
use crate::shared::SharedLease;

/// One call that was let in. Its place is free again when it is dropped.
///
/// It lives in the response future, and with the `Http` protocol in the response's body.
#[derive(Debug)]
#[must_use = "dropping it gives the place back"]
pub struct BulkheadGuard {
    shared: SharedLease,
    permit: Permit,
    /// Whether the call shows on the gauge.
    shown: bool,
}

impl BulkheadGuard {
    /// Rejects the call that has the place, and gives the place back.
    pub(crate) fn reject(self, why: Dropped) -> BoxError {
        self.shared.reject(why.reason())
    }

    #[inline]
    pub(crate) fn new(shared: SharedLease, permit: Permit) -> Self {
        Self {
            shown: shared.signals().entered(),
            shared,
            permit,
        }
    }
}

impl Guard for BulkheadGuard {
    /// How the call ended is nothing to a bulkhead; that it has shows when the guard is dropped.
    #[inline]
    fn settle(&mut self, _: Report) {}
}

impl Drop for BulkheadGuard {
    #[inline]
    fn drop(&mut self) {
        if self.shown {
            self.hide();
        }
        let (rule, stripe) = (self.shared.rule(), self.shared.local());
        rule.release_to(stripe, self.permit.take(), now);
    }
}

impl BulkheadGuard {
    #[inline(never)]
    fn hide(&self) {
        self.shared.signals().left();
    }
}
