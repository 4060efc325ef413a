use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Records the results of calls as their callers see them: the load generator calls it.
///
/// It remembers each call until the end of the phase, 24 bytes a call. Cloning it is cheap, and all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Observer {
    calls: Arc<Mutex<Vec<(bool, Duration)>>>,
}

impl Observer {
    /// An observer that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes note of a call that has ended.
    pub fn record(&self, failed: bool, latency: Duration) {
        self.lock().push((failed, latency));
    }

    /// Everything since the last time.
    pub(super) fn take(&self) -> Vec<(bool, Duration)> {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(bool, Duration)>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
