use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs code that calls into a recorder or a subscriber, and ends a panic of theirs here: a signal that is
/// lost must not cost the caller's request. The panic hook has reported it by then.
///
/// It costs nothing unless it happens. Asserting unwind safety is sound because signals only ever add to
/// atomics and set cells; there is no state that a panic could leave half made.
#[inline(always)]
pub(crate) fn isolate<T>(signal: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(signal)).ok()
}
