use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

/// What is read when a service is made, and again by services that were made before it was replaced.
///
/// A reader that has the current version does one atomic load and takes no lock.
#[derive(Debug)]
pub(super) struct Live<T> {
    edition: AtomicU64,
    /// Protects the value, and that it is the one of the edition.
    value: RwLock<T>,
}

impl<T: Clone> Live<T> {
    pub(super) fn new(value: T) -> Self {
        Self {
            edition: AtomicU64::new(0),
            value: RwLock::new(value),
        }
    }

    /// The number of the value in force.
    #[inline]
    pub(super) fn edition(&self) -> u64 {
        self.edition.load(Ordering::Acquire)
    }

    /// The value in force, and its number.
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
