use std::time::{Duration, Instant};

/// Whether a queue stands: whether more comes than is served, and not just a burst.
///
/// It begins to stand when a request waited for the configured time, or in vain. From then on it is measured over
/// intervals of [`INTERVAL`] times that, and stands no longer after one in which it was empty for a [`DRAINED`]th of
/// the time.
///
/// The second half prevents oscillation. Newest first, a queue is empty now and then under any load that is not far too
/// high: if the first such moment ended the overload, every request would wait until it stands again. With a 10 %
/// overload it is empty for 5 % of the time, at 90 % load for 40 %; the simulation in `tests/simulations` shows the
/// results.
///
/// Each class has its own. A batch that stands beneath users does not make them wait, so they are served in turn, and
/// not the newest of them first as if there were too many of them.
#[derive(Debug)]
pub(super) struct Standing {
    /// The current interval, while it stands.
    interval: Option<Interval>,
    /// Since when it is empty.
    empty_since: Option<Instant>,
}

#[derive(Debug)]
struct Interval {
    began: Instant,
    /// For how long it has been empty since.
    empty: Duration,
}

/// How many times longer than it takes to begin.
const INTERVAL: u32 = 10;
/// Above which part of an interval empty it has drained.
const DRAINED: u32 = 8;

impl Standing {
    /// The queue is empty at first.
    pub(super) fn emptied_at(now: Instant) -> Self {
        Self {
            interval: None,
            empty_since: Some(now),
        }
    }

    /// Whether it stands, as far as is known.
    pub(super) fn is_standing(&self) -> bool {
        self.interval.is_some()
    }

    /// Whether it still stands at that moment, if nothing happens until then.
    pub(super) fn will_stand(&self, congested_after: Duration, now: Instant) -> bool {
        self.interval.as_ref().is_some_and(|interval| {
            let watched = now.saturating_duration_since(interval.began);
            let is_over = watched >= congested_after.saturating_mul(INTERVAL);
            !(is_over && self.has_drained(interval, watched, now))
        })
    }

    /// A request waited too long.
    pub(super) fn begin(&mut self, now: Instant) {
        if self.interval.is_none() {
            self.interval = Some(Interval::new(now));
        }
    }

    /// The queue is empty from now on.
    pub(super) fn emptied(&mut self, now: Instant) {
        self.empty_since = Some(now);
    }

    /// The queue is not empty from now on.
    pub(super) fn filled(&mut self, now: Instant) {
        let empty = self.empty_until(now);
        self.empty_since = None;
        if let Some(interval) = &mut self.interval {
            interval.empty += empty;
        }
    }

    /// Looks whether it has drained, where `congested_after` is how long one waits in a queue that stands.
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

    /// For how long it has now been empty without a break, within the current interval.
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
