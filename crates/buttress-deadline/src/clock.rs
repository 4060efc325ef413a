use std::time::{Instant, SystemTime};

/// The clock of all layers, which a test can pause.
#[inline]
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// What the clock on the wall says, which is what an `x-deadline` goes by.
#[expect(
    clippy::disallowed_methods,
    reason = "a moment on the wire is a moment of this clock; it is opt-in, and capped"
)]
pub(crate) fn system_time() -> SystemTime {
    SystemTime::now()
}
