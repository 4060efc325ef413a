use std::time::Instant;

use buttress_core::circuit::Permit;
use buttress_core::{Guard, Report};

use crate::breaker::now;
use crate::shared::SharedLease;

/// One admitted call. It tells the breaker how the call ended; dropped before that, the call was cancelled.
///
/// It lives in the response future, and with the `Http` protocol in the response's body.
#[derive(Debug)]
#[must_use = "dropping it cancels the call"]
pub struct BreakerGuard {
    shared: SharedLease,
    /// `None` once settled.
    permit: Option<Permit>,
}

impl BreakerGuard {
    #[inline]
    pub(crate) fn new(shared: SharedLease, permit: Permit) -> Self {
        Self {
            shared,
            permit: Some(permit),
        }
    }
}

impl BreakerGuard {
    #[inline(never)]
    fn settle_slowly(&mut self, report: Report, now: Instant) {
        if let Some(permit) = self.permit.take() {
            self.shared.settle(permit, report, now);
        }
    }

    #[cold]
    #[inline(never)]
    fn cancel(&mut self) {
        if let Some(permit) = self.permit.take() {
            self.shared.cancel(permit);
        }
    }
}

impl Guard for BreakerGuard {
    #[inline]
    fn settle(&mut self, report: Report) {
        let now = now();
        match &self.permit {
            Some(permit) if self.shared.settle_in_time(permit, report.outcome, now) => {
                self.permit = None;
            }
            _ => self.settle_slowly(report, now),
        }
    }
}

impl Drop for BreakerGuard {
    #[inline]
    fn drop(&mut self) {
        if self.permit.is_some() {
            self.cancel();
        }
    }
}
