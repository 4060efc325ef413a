use std::time::Instant;

use buttress_core::circuit::Permit;
use buttress_core::{Deadline, FailureKind, Guard, Identify, Outcome, Report, Upload};
use buttress_shell::now;

use crate::shared::SharedLease;

/// An admitted call. It records the result of the call. If it is dropped before, the call is cancelled.
///
/// The response future holds it, and with the `Http` protocol the response's body.
#[derive(Debug)]
#[must_use = "dropping it cancels the call"]
pub struct BreakerGuard {
    shared: SharedLease,
    /// `None` once settled.
    permit: Option<Permit>,
    /// The upload of the request, if it is tracked. Boxed, because few calls have one and all move it.
    upload: Option<Box<Upload>>,
}

impl BreakerGuard {
    #[inline]
    pub(crate) fn new(shared: SharedLease, permit: Permit) -> Self {
        Self {
            shared,
            permit: Some(permit),
            upload: None,
        }
    }
}

impl BreakerGuard {
    /// Records the caller's deadline and the request's upload, for a call that starts `now`. By value and inlined,
    /// because a guard whose address is taken is copied once more.
    #[inline(always)]
    pub(crate) fn asked<P, Req>(self, protocol: &P, request: &Req, now: Instant) -> Self
    where
        P: Identify<Req>,
    {
        let deadline = protocol.caller_deadline(request, now);
        let upload = protocol.upload(request, now);
        if deadline.is_none() && upload.is_none() {
            return self;
        }
        self.asked_more(deadline, upload)
    }

    #[cold]
    #[inline(never)]
    fn asked_more(mut self, deadline: Option<Deadline>, upload: Option<Upload>) -> Self {
        if let Some(permit) = &mut self.permit {
            permit.allow(deadline);
        }
        self.upload = upload.map(Box::new);
        self
    }

    /// Subtracts the time that the service waited for the caller.
    #[inline]
    fn take_off(&mut self, now: Instant) {
        if let (Some(permit), Some(upload)) = (&mut self.permit, &self.upload) {
            permit.take_off(upload, now);
        }
    }

    #[inline(never)]
    fn settle_slowly(&mut self, report: Report, now: Instant) {
        self.take_off(now);
        let Some(permit) = self.permit.take() else {
            return;
        };
        let circuit = self.shared.circuit();
        let upload = self.upload.as_deref();
        let is_timeout = report.outcome == Outcome::Failure(FailureKind::Timeout);
        let is_cut_short =
            is_timeout && circuit.was_cut_short(&permit, Deadline::current(), upload, now);
        let is_broken_off =
            report.outcome.is_failure() && upload.is_some_and(Upload::is_broken_off);
        if is_cut_short || is_broken_off {
            self.shared.settle(permit, Report::IGNORED, now);
        } else {
            self.shared.settle(permit, report, now);
        }
    }

    #[cold]
    #[inline(never)]
    fn cancel(&mut self) {
        if self.upload.is_some() {
            self.take_off(now());
        }
        if let Some(permit) = self.permit.take() {
            self.shared.cancel(permit);
        }
    }
}

impl Guard for BreakerGuard {
    /// Ends the latency of the call. If the head has the outcome, a probe has its result.
    fn answered(&mut self, head: Option<&Report>) {
        let now = now();
        self.take_off(now);
        let Some(permit) = &mut self.permit else {
            return;
        };
        self.shared.circuit().answered(permit, now);
        if let (Some(head), true) = (head, permit.is_probe()) {
            self.settle_slowly(*head, now);
        }
    }

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
