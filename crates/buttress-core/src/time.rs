use std::time::{Duration, Instant};

/// A duration in nanoseconds, saturating after 584 years.
#[inline]
pub(crate) fn nanos(duration: Duration) -> u64 {
    // Not `as_nanos`: its 128 bits would cost a hot path more than all the rest.
    duration
        .as_secs()
        .saturating_mul(1_000_000_000)
        .saturating_add(u64::from(duration.subsec_nanos()))
}

/// Where a rule's clock starts: instants become nanoseconds since then, which fit an atomic.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin(Instant);

impl Origin {
    pub(crate) fn new(now: Instant) -> Self {
        Self(now)
    }

    /// Nanoseconds from the origin to `now`; 0 if time went back past the origin.
    #[inline]
    pub(crate) fn nanos_at(self, now: Instant) -> u64 {
        nanos(now.saturating_duration_since(self.0))
    }
}
