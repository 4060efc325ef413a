use std::time::Instant;

/// Returns the current time of the one clock, which tests can pause.
#[inline]
#[must_use]
pub fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Returns a random number, for jitter and for requests without an identity.
#[must_use]
pub fn random() -> u64 {
    fastrand::u64(..)
}
