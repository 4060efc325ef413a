use buttress_core::bulkhead::Permit;
use buttress_core::{Guard, Report, Turn};
use buttress_shell::{OpenBody, now};

use crate::shared::{Kept, SharedLease};

/// One admitted call. Its slot is free again when it is dropped.
///
/// It lives in the response future, and with the `Http` protocol in the response's body.
#[derive(Debug)]
#[must_use = "dropping it gives the place back"]
pub struct BulkheadGuard {
    shared: SharedLease,
    holds: Holds,
}

/// What a call has of its bulkhead. Small, because nearly all calls carry it from place to place.
#[derive(Debug)]
enum Holds {
    /// A slot. `shown` if it shows on the gauge.
    Place { permit: Permit, shown: bool },
    /// An open body, from which the slot can be taken back. `is_asked` while its reader waits for the service.
    Open { body: OpenBody, is_asked: bool },
    /// Nothing any more.
    Nothing,
}

impl BulkheadGuard {
    pub(crate) fn shared(&self) -> &SharedLease {
        &self.shared
    }

    // Made where it stays, instead of being moved there.
    #[inline(always)]
    pub(crate) fn new(shared: SharedLease, permit: Permit) -> Self {
        let shown = shared.signals().entered();
        Self {
            shared,
            holds: Holds::Place { permit, shown },
        }
    }

    /// Ends a call whose admission was observed.
    #[inline(never)]
    fn end(&mut self) {
        let kept = match std::mem::replace(&mut self.holds, Holds::Nothing) {
            // What was taken back is not there any more.
            Holds::Open { body, .. } => self.shared.local().open.take(body),
            Holds::Place { permit, shown } => Some(Kept { permit, shown }),
            Holds::Nothing => None,
        };
        if let Some(kept) = kept {
            self.shared.release(kept);
        }
    }
}

impl Guard for BulkheadGuard {
    /// The slot can be taken back from now on, if the body is not read.
    fn answered(&mut self, _: Option<&Report>) {
        let open = self.shared.open();
        if open.is_patient() {
            return;
        }
        if let Holds::Place { permit, shown } = &mut self.holds
            && permit.is_counted()
        {
            let kept = Kept {
                permit: permit.take(),
                shown: *shown,
            };
            self.holds = Holds::Open {
                body: self.shared.local().open.put(open, kept),
                is_asked: false,
            };
        }
    }

    fn turn(&mut self, turn: Turn) {
        let Holds::Open { body, is_asked } = &mut self.holds else {
            return;
        };
        let open = &self.shared.local().open;
        match turn {
            Turn::Reader => open.idle(body),
            Turn::Service if !*is_asked => open.asked(body),
            Turn::Service => {}
        }
        *is_asked = turn == Turn::Service;
    }

    /// How the call ended is nothing to a bulkhead; that it has shows when the guard is dropped.
    #[inline]
    fn settle(&mut self, _: Report) {}
}

impl Drop for BulkheadGuard {
    #[inline]
    fn drop(&mut self) {
        if let Holds::Place {
            permit,
            shown: false,
        } = &mut self.holds
        {
            let (rule, local) = (self.shared.rule(), self.shared.local());
            rule.release_to(&local.stock, permit.take(), now);
        } else {
            self.end();
        }
    }
}
