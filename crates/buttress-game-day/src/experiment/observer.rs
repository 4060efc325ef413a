use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Records the results of calls as their callers see them. The load generator calls it.
///
/// It stores each call until the end of the phase, in 24 bytes. Clones are cheap and share their state.
#[derive(Debug, Clone, Default)]
pub struct Observer {
    calls: Arc<Mutex<Vec<(bool, Duration)>>>,
}

impl Observer {
    /// Creates an observer without calls.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Records a call that has ended.
    pub fn record(&self, failed: bool, latency: Duration) {
        self.lock().push((failed, latency));
    }

    /// Takes all calls since the last time.
    pub(super) fn take(&self) -> Vec<(bool, Duration)> {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(bool, Duration)>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
