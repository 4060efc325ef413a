use buttress_core::shed::Permit;
use buttress_core::{Guard, Report};

use crate::shared::SharedLease;
use crate::shedder::now;

/// One call that was let in. Settled, it teaches the shedder how the call went; dropped, its place is free.
///
/// It lives in the response future, and with HTTP in the response's body.
#[derive(Debug)]
#[must_use = "dropping it gives the place back"]
pub struct ShedGuard {
    shared: SharedLease,
    /// `None` once given back.
    permit: Option<Permit>,
    /// Whether the call shows on the gauge.
    shown: bool,
}

impl ShedGuard {
    #[inline]
    pub(crate) fn new(shared: SharedLease, permit: Permit) -> Self {
        Self {
            shown: shared.signals().entered(),
            shared,
            permit: Some(permit),
        }
    }

    /// The answer has begun: from now on it is up to the caller how long the call lasts.
    #[inline]
    pub(crate) fn answered(&mut self) {
        if let Some(permit) = &mut self.permit {
            permit.answered(now);
        }
    }
}

impl Guard for ShedGuard {
    /// Tells the shedder how the call went. Its place is free when the guard is dropped.
    #[inline]
    fn settle(&mut self, report: Report) {
        if let Some(permit) = &mut self.permit
            && self.shared.rule().settle(permit, report, now).is_some()
        {
            self.shared.show_limit();
        }
    }
}

impl Drop for ShedGuard {
    #[inline]
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            if self.shown {
                self.shared.signals().left();
            }
            if self.shared.rule().release(permit, now).is_some() {
                self.shared.show_limit();
            }
        }
    }
}
