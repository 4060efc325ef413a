use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// An instant at that offset from a fixed one. The clock is read once, as there is no other way to make an `Instant`.
#[allow(clippy::disallowed_methods)]
pub(crate) fn at(time: Duration) -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    *EPOCH.get_or_init(Instant::now) + time
}
