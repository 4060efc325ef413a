use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks what a panicking layer may have left behind: panics are part of what is tested here.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Unwinds without a message on stderr: the panic is scripted, not news.
pub(crate) fn scripted_panic(text: &'static str) -> ! {
    std::panic::resume_unwind(Box::new(text))
}
