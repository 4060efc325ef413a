use buttress_core::bulkhead::Permit;
use buttress_core::{Guard, Report, Turn};
use buttress_shell::{OpenBody, now};

use crate::shared::{HeldSlot, SharedLease};

/// An admitted call. Dropping it releases its slot.
///
/// The response future holds it, and with the `Http` protocol the response's body.
#[derive(Debug)]
#[must_use = "dropping it releases the slot"]
pub struct BulkheadGuard {
    shared: SharedLease,
    holds: Holds,
}

/// What a call holds of its bulkhead. Small, because nearly all calls move it.
#[derive(Debug)]
enum Holds {
    /// A slot. `shown` if the gauge counts it.
    Place { permit: Permit, shown: bool },
    /// An open body, from which the slot can be taken back. `is_asked` while its reader has polled for a frame.
    Open { body: OpenBody, is_asked: bool },
    /// Nothing.
    Nothing,
}

impl BulkheadGuard {
    pub(crate) fn shared(&self) -> &SharedLease {
        &self.shared
    }

    // Inlined, so that it is built in place and not moved.
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
            // A slot that was taken back is no longer there.
            Holds::Open { body, .. } => self.shared.local().open.take(body),
            Holds::Place { permit, shown } => Some(HeldSlot { permit, shown }),
            Holds::Nothing => None,
        };
        if let Some(kept) = kept {
            self.shared.release(kept);
        }
    }
}

impl Guard for BulkheadGuard {
    /// From now on the slot can be taken back, if the body is not read.
    fn answered(&mut self, _: Option<&Report>) {
        let open = self.shared.open();
        if open.is_patient() {
            return;
        }
        if let Holds::Place { permit, shown } = &mut self.holds
            && permit.is_counted()
        {
            let kept = HeldSlot {
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

    /// A bulkhead does not use the outcome. The call ends when the guard is dropped.
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
