use buttress_core::circuit::Permit;
use buttress_shell::now;

use crate::BreakerGuard;
use crate::shared::SharedLease;

/// A probe slot that is reserved for a call. If it is dropped, the next waiter gets the slot.
#[derive(Debug)]
pub(crate) struct Reserved {
    shared: SharedLease,
    /// `None` once used.
    permit: Option<Permit>,
}

impl Reserved {
    pub(crate) fn new(shared: SharedLease, permit: Permit) -> Self {
        Self {
            shared,
            permit: Some(permit),
        }
    }

    /// Returns the guard of the call, unless the slot's lease has ended or the circuit has changed.
    pub(crate) fn redeem(mut self) -> Option<BreakerGuard> {
        let mut permit = self.permit.take()?;
        let shared = self.shared.clone();
        shared
            .circuit()
            .renew(&mut permit, now())
            .then(|| BreakerGuard::new(shared, permit))
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            self.shared.withdraw(permit);
        }
    }
}
