use std::time::SystemTime;

/// What the clock on the wall says, which is what an `x-deadline` goes by.
#[expect(
    clippy::disallowed_methods,
    reason = "a moment on the wire is a moment of this clock; it is opt-in, and capped"
)]
pub(crate) fn system_time() -> SystemTime {
    SystemTime::now()
}
