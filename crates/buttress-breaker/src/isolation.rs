use crate::shared::SharedLease;

/// Holds a circuit open until it is dropped. See [`Breaker::isolate`](crate::Breaker::isolate).
#[derive(Debug)]
#[must_use = "dropping the guard ends the isolation"]
pub struct Isolation {
    shared: SharedLease,
}

impl Isolation {
    pub(crate) fn new(shared: SharedLease, why: &str) -> Self {
        shared.explain_isolation(why);
        let step = shared.circuit().isolate();
        shared.announce(step);
        Self { shared }
    }
}

impl Drop for Isolation {
    fn drop(&mut self) {
        let step = self.shared.circuit().release();
        self.shared.announce(step);
        // Even if the circuit stays open: waiters must now wait for the open time instead.
        self.shared.wake_all();
    }
}
