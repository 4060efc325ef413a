use buttress_core::bulkhead::Permit;
use buttress_core::queue::Dropped;
use buttress_core::{BoxError, Guard, Report, Turn};
use buttress_shell::OpenBody;

use crate::bulkhead::now;
use crate::shared::{Kept, SharedLease};

/// One call that was let in. Its place is free again when it is dropped.
///
/// It lives in the response future, and with the `Http` protocol in the response's body.
#[derive(Debug)]
#[must_use = "dropping it gives the place back"]
pub struct BulkheadGuard {
    shared: SharedLease,
    permit: Permit,
    /// Whether nobody but the rule has taken notice of the call: it neither shows on the gauge nor has an open body.
    is_plain: bool,
    shown: bool,
    /// Where the place is, once the call has gone on with a body.
    body: Option<OpenBody>,
    /// Whether the body's reader waits for the service.
    is_asked: bool,
}

impl BulkheadGuard {
    /// Rejects the call that has the place, and gives the place back.
    pub(crate) fn reject(self, why: Dropped) -> BoxError {
        self.shared.reject(why.reason())
    }

    #[inline]
    pub(crate) fn new(shared: SharedLease, permit: Permit) -> Self {
        let shown = shared.signals().entered();
        Self {
            is_plain: !shown,
            shown,
            shared,
            permit,
            body: None,
            is_asked: false,
        }
    }
}

impl Guard for BulkheadGuard {
    /// The place can be taken back from now on, if nobody reads the body.
    fn answered(&mut self, _: Option<&Report>) {
        let open = self.shared.open();
        if open.is_patient() || !self.permit.is_counted() {
            return;
        }
        self.is_plain = false;
        let kept = Kept {
            permit: self.permit.take(),
            shown: self.shown,
        };
        self.body = Some(self.shared.local().open.put(open, kept));
    }

    fn turn(&mut self, turn: Turn) {
        let Some(body) = self.body else {
            return;
        };
        match turn {
            Turn::Reader => self.shared.local().open.idle(body),
            Turn::Service if !self.is_asked => self.shared.local().open.asked(body),
            Turn::Service => {}
        }
        self.is_asked = turn == Turn::Service;
    }

    /// How the call ended is nothing to a bulkhead; that it has shows when the guard is dropped.
    #[inline]
    fn settle(&mut self, _: Report) {}
}

impl Drop for BulkheadGuard {
    #[inline]
    fn drop(&mut self) {
        if self.is_plain {
            let (rule, local) = (self.shared.rule(), self.shared.local());
            rule.release_to(&local.stock, self.permit.take(), now);
        } else {
            self.end();
        }
    }
}

impl BulkheadGuard {
    /// Ends a call of which somebody has taken notice.
    #[inline(never)]
    fn end(&mut self) {
        let kept = match self.body.take() {
            Some(body) => self.shared.local().open.take(body),
            None => Some(Kept {
                permit: self.permit.take(),
                shown: self.shown,
            }),
        };
        // Otherwise it was taken back.
        if let Some(kept) = kept {
            self.shared.release(kept);
        }
    }
}
