use std::time::Instant;

/// The clock of all layers, which a test can pause.
#[inline]
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// The one source of chance, for jitter and shares.
pub(crate) fn chance() -> u64 {
    fastrand::u64(..)
}
