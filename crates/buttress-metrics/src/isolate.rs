use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs code that calls a recorder or a subscriber, and catches its panic, so that a lost signal does not fail the
/// request. The panic hook has already reported the panic.
///
/// Without a panic it costs nothing. Asserting unwind safety is sound, because signals only add to atomics and set
/// cells, so no state can be left inconsistent.
#[inline(always)]
pub(crate) fn isolate<T>(signal: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(signal)).ok()
}
