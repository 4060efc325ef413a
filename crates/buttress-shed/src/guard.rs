use buttress_core::shed::Permit;
use buttress_core::{Deadline, Ending, FailureKind, Guard, Outcome, Report, Upload};
use buttress_shell::{Limiter, now};

use crate::shared::SharedLease;

/// An admitted call. Settling it records the result in the shedder; dropping it releases its slot.
///
/// The response future holds it, and with HTTP the response's body.
#[derive(Debug)]
#[must_use = "dropping it releases the slot"]
pub struct ShedGuard {
    shared: SharedLease,
    permit: Permit,
    /// Whether the gauge counts the call.
    shown: bool,
}

impl ShedGuard {
    pub(crate) fn shared(&self) -> &SharedLease {
        &self.shared
    }

    // Inlined, so that it is built in place and not moved.
    #[inline(always)]
    pub(crate) fn new(shared: SharedLease, permit: Permit) -> Self {
        Self {
            shown: shared.signals().entered(),
            shared,
            permit,
        }
    }

    /// Stores the upload of the request.
    #[inline]
    pub(crate) fn owe(&mut self, upload: impl FnOnce() -> Option<Upload>) {
        self.permit.owe(upload);
    }
}

impl Guard for ShedGuard {
    /// Ends the latency of the call: from now on its duration depends on the reader.
    #[inline]
    fn answered(&mut self, _: Option<&Report>) {
        self.permit.answered(now);
    }

    /// Records the result of the call. Its slot is released when the guard is dropped.
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
