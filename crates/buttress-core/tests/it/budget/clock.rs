use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Returns the instant at this offset from a fixed one. The clock is read once, since an `Instant` cannot be created
/// otherwise.
#[allow(clippy::disallowed_methods)]
pub(crate) fn at(time: Duration) -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    *EPOCH.get_or_init(Instant::now) + time
}
