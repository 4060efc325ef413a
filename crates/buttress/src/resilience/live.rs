use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

/// A value that is read when a service is created, and again by existing services after it was replaced.
///
/// If the version is current, a reader needs one atomic load and no lock.
#[derive(Debug)]
pub(super) struct Live<T> {
    edition: AtomicU64,
    /// Protects the value and its version.
    value: RwLock<T>,
}

impl<T: Clone> Live<T> {
    pub(super) fn new(value: T) -> Self {
        Self {
            edition: AtomicU64::new(0),
            value: RwLock::new(value),
        }
    }

    /// Returns the version of the current value.
    #[inline]
    pub(super) fn edition(&self) -> u64 {
        self.edition.load(Ordering::Acquire)
    }

    /// Returns the current value and its version.
    pub(super) fn read(&self) -> (T, u64) {
        let value = self.value.read().unwrap_or_else(PoisonError::into_inner);
        (value.clone(), self.edition())
    }

    pub(super) fn replace(&self, value: T) {
        let mut current = self.value.write().unwrap_or_else(PoisonError::into_inner);
        *current = value;
        self.edition.fetch_add(1, Ordering::Release);
    }
}
