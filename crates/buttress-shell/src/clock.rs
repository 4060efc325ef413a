use std::time::Instant;

/// The clock of all handles and waits, which a test can pause.
#[inline]
#[must_use]
pub fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
