use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a mutex that a panic may have poisoned: panics are part of what is tested here.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Unwinds without a message on stderr, since the panic is scripted.
pub(crate) fn scripted_panic(text: &'static str) -> ! {
    std::panic::resume_unwind(Box::new(text))
}
