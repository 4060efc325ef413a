use std::time::{Duration, Instant};

/// The slots reserved after rejections, for retries of the rejected calls.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kept {
    places: u64,
    /// The time of the last rejection.
    since: Option<Instant>,
}

impl Kept {
    /// Records a rejection, which reserves one more slot, up to the [headroom] of the limit.
    pub(super) fn reject(&mut self, limit: u64, now: Instant, ttl: Duration) {
        self.places = (self.places(now, ttl) + 1).min(headroom(limit));
        self.since = Some(now);
    }

    /// Returns the number of reserved slots. It halves with each `ttl` that passes without another rejection.
    pub(super) fn places(&self, now: Instant, ttl: Duration) -> u64 {
        let Some(since) = self.since else { return 0 };
        let passed = now.saturating_duration_since(since);
        let halvings = (passed.as_secs_f64() / ttl.as_secs_f64()) as u32;
        self.places.checked_shr(halvings).unwrap_or(0)
    }
}

/// The maximum number of slots reserved for rejected calls.
fn headroom(limit: u64) -> u64 {
    2 * limit.isqrt()
}
