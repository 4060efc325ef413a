use crate::shared::SharedLease;

/// Holds a circuit open for as long as it lives. See [`Breaker::isolate`](crate::Breaker::isolate).
#[derive(Debug)]
#[must_use = "the circuit is isolated while the guard lives"]
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
        // Even where the circuit stays open: waiters for the end of an isolation now wait for the open time.
        self.shared.wake_all();
    }
}
