use buttress_core::shed::Permit;
use buttress_core::{Deadline, Ending, FailureKind, Guard, Outcome, Report, Upload};
use buttress_shell::{Limiter, now};

use crate::shared::SharedLease;

/// One admitted call. Settled, it records the result in the shedder; dropped, it frees its slot.
///
/// It lives in the response future, and with HTTP in the response's body.
#[derive(Debug)]
#[must_use = "dropping it gives the place back"]
pub struct ShedGuard {
    shared: SharedLease,
    permit: Permit,
    /// Whether the call shows on the gauge.
    shown: bool,
}

impl ShedGuard {
    pub(crate) fn shared(&self) -> &SharedLease {
        &self.shared
    }

    // Made where it stays, instead of being moved there.
    #[inline(always)]
    pub(crate) fn new(shared: SharedLease, permit: Permit) -> Self {
        Self {
            shown: shared.signals().entered(),
            shared,
            permit,
        }
    }

    /// Notes what the caller owes of the request.
    #[inline]
    pub(crate) fn owe(&mut self, upload: impl FnOnce() -> Option<Upload>) {
        self.permit.owe(upload);
    }
}

impl Guard for ShedGuard {
    /// The call is timed to here: from now on it is up to the reader how long the call lasts.
    #[inline]
    fn answered(&mut self, _: Option<&Report>) {
        self.permit.answered(now);
    }

    /// Tells the shedder how the call went. Its slot is free when the guard is dropped.
    #[inline]
    fn settle(&mut self, report: Report) {
        let rule = self.shared.rule();
        let is_timeout = report.outcome == Outcome::Failure(FailureKind::Timeout);
        let report = if is_timeout && rule.was_cut_short(&self.permit, Deadline::current(), now) {
            Report::IGNORED
        } else {
            report
        };
        let moved = rule.settle(&mut self.permit, report, now);
        if moved.is_some() {
            self.shared.show_limit();
        }
    }
}

impl Drop for ShedGuard {
    #[inline]
    fn drop(&mut self) {
        if !self.shown && self.permit.is_plain() {
            let (rule, stripe) = (self.shared.rule(), self.shared.local());
            rule.release_plain(stripe, &mut self.permit, now);
        } else {
            self.end();
        }
    }
}

impl ShedGuard {
    /// Ends a call whose admission was observed.
    #[inline(never)]
    fn end(&mut self) {
        if self.shown {
            self.shared.signals().left();
        }
        let (rule, ending) = (self.shared.rule(), Ending::current());
        let moved = rule.release_in_place(&mut self.permit, ending, now);
        if moved.is_some() {
            self.shared.show_limit();
        }
    }
}
