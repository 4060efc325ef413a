use std::time::{Duration, Instant};

/// How many places are kept free for those who were turned away for want of one, and may be back.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kept {
    places: u64,
    /// When somebody was last turned away.
    since: Option<Instant>,
}

impl Kept {
    /// Somebody was turned away: a place more, up to the [most](headroom) of a limit.
    pub(super) fn turn_away(&mut self, limit: u64, now: Instant, memory: Duration) {
        self.places = (self.places(now, memory) + 1).min(headroom(limit));
        self.since = Some(now);
    }

    /// Half of what is kept is given up with each memory that passes without another call turned away.
    pub(super) fn places(&self, now: Instant, memory: Duration) -> u64 {
        let Some(since) = self.since else { return 0 };
        let passed = now.saturating_duration_since(since);
        let halvings = (passed.as_secs_f64() / memory.as_secs_f64()) as u32;
        self.places.checked_shr(halvings).unwrap_or(0)
    }
}

/// The most places that are kept for calls that were turned away.
fn headroom(limit: u64) -> u64 {
    2 * limit.isqrt()
}
