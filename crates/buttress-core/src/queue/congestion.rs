use std::time::{Duration, Instant};

/// Detects a congested queue: one that does not drain, as opposed to a burst.
///
/// CoDel calls it a standing queue. A queue becomes congested when a request has waited for longer than the configured
/// time, or has expired. From then on it is measured over intervals of [`INTERVAL`] times that, and it is no longer
/// congested after an interval in which it was empty for more than 1/[`DRAINED`] of the time.
///
/// The second threshold prevents oscillation. Newest first, a queue is empty now and then under any load that is not far
/// too high: if the first such moment ended the congestion, every request would wait until the queue is congested again.
/// With a 10 % overload it is empty for 5 % of the time, at 90 % load for 40 %; the simulation in `tests/simulations`
/// shows the results.
///
/// Each class has a detector of its own. A batch that waits behind users does not make the users wait, so users are
/// still served oldest first.
#[derive(Debug)]
pub(super) struct CongestionDetector {
    /// The current interval. `None` if the queue is not congested.
    interval: Option<Interval>,
    /// Since when the queue has been empty.
    empty_since: Option<Instant>,
}

#[derive(Debug)]
struct Interval {
    began: Instant,
    /// For how long the queue has been empty in this interval.
    empty: Duration,
}

/// The length of an interval, as a multiple of `congested_after`.
const INTERVAL: u32 = 10;
/// A queue that was empty for more than one part in this many of an interval has drained.
const DRAINED: u32 = 8;

impl CongestionDetector {
    /// A detector for a queue that is empty.
    pub(super) fn emptied_at(now: Instant) -> Self {
        Self {
            interval: None,
            empty_since: Some(now),
        }
    }

    /// Whether the queue was congested at the last change.
    pub(super) fn is_congested(&self) -> bool {
        self.interval.is_some()
    }

    /// Whether the queue is still congested at `now`, if nothing has changed since.
    pub(super) fn is_congested_at(&self, congested_after: Duration, now: Instant) -> bool {
        self.interval.as_ref().is_some_and(|interval| {
            let watched = now.saturating_duration_since(interval.began);
            let is_over = watched >= congested_after.saturating_mul(INTERVAL);
            !(is_over && self.has_drained(interval, watched, now))
        })
    }

    /// Records that a request waited too long.
    pub(super) fn begin(&mut self, now: Instant) {
        if self.interval.is_none() {
            self.interval = Some(Interval::new(now));
        }
    }

    /// Records that the queue became empty.
    pub(super) fn emptied(&mut self, now: Instant) {
        self.empty_since = Some(now);
    }

    /// Records that the queue is no longer empty.
    pub(super) fn filled(&mut self, now: Instant) {
        let empty = self.empty_until(now);
        self.empty_since = None;
        if let Some(interval) = &mut self.interval {
            interval.empty += empty;
        }
    }

    /// Ends the congestion if the queue has drained, or begins the next interval.
    pub(super) fn review(&mut self, congested_after: Duration, now: Instant) {
        let Some(interval) = &self.interval else {
            return;
        };
        let watched = now.saturating_duration_since(interval.began);
        if watched < congested_after.saturating_mul(INTERVAL) {
            return;
        }
        let drained = self.has_drained(interval, watched, now);
        self.interval = (!drained).then(|| Interval::new(now));
    }

    fn has_drained(&self, interval: &Interval, watched: Duration, now: Instant) -> bool {
        interval.empty + self.empty_until(now) > watched / DRAINED
    }

    /// For how long the queue has now been empty without a break, within the current interval.
    fn empty_until(&self, now: Instant) -> Duration {
        match (&self.interval, self.empty_since) {
            (Some(interval), Some(since)) => {
                now.saturating_duration_since(since.max(interval.began))
            }
            _ => Duration::ZERO,
        }
    }
}

impl Interval {
    fn new(began: Instant) -> Self {
        Self {
            began,
            empty: Duration::ZERO,
        }
    }
}
