use std::time::SystemTime;

/// The wall clock, for `x-deadline`.
#[expect(
    clippy::disallowed_methods,
    reason = "the moments of `x-deadline` are of this clock; the header is opt-in, and capped"
)]
pub(crate) fn system_time() -> SystemTime {
    SystemTime::now()
}
