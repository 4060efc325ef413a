use std::time::Instant;

/// The clock of all handles and waits, which a test can pause.
#[inline]
#[must_use]
pub fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// A random number: for jitter, and for requests without an identity.
#[must_use]
pub fn random() -> u64 {
    fastrand::u64(..)
}
