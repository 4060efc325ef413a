//! The beginning of a limit that knows nothing yet.

use super::Sample;
use super::slope::Point;
use super::trend::Trend;
use super::window::Window;

/// Raises the limit with every call that ends well, until a queue is seen or the limit is no longer reached.
///
/// This is the slow start of TCP (Jacobson, 1988), which needs no windows: where a call takes seconds, a window of them
/// takes minutes. A call that began at an eighth of the limit or above raises it by seven, so that it grows to eight
/// times what it was in one round trip, and then waits for calls that began at the new level.
///
/// A queue is seen where calls take the longer the more are under way. It costs at most one round at eight times the
/// knee, and only as many calls as come.
#[derive(Debug, Default)]
pub(super) struct Opening {
    trend: Trend,
    /// Whether a call found the limit reached since the last window ended.
    is_touched: bool,
    has_grown: bool,
    /// How many windows in a row the raised limit was not reached.
    unreached: u32,
}

/// What a call leads to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Opened {
    /// The limit is to be this.
    Raise(f64),
    /// Calls wait: there were about so many under way.
    Queue(f64),
}

impl Opening {
    /// Calls that began when fewer were under way say nothing about the limit, and need not be looked at.
    pub(super) fn looks_from(limit: f64) -> u64 {
        (limit / TIMES).ceil() as u64
    }

    /// Whether the limit is still where it began.
    pub(super) fn has_grown(&self) -> bool {
        self.has_grown
    }

    /// How many calls are under way, as far as they were looked at.
    pub(super) fn calls(&self) -> f64 {
        self.trend.x().exp()
    }

    /// Takes in a call that stands for `every` calls. `is_slow` says that it took far longer than calls usually do:
    /// more of them is then no answer. `refused` says whether others found no place meanwhile.
    pub(super) fn on_sample(
        &mut self,
        sample: &Sample,
        limit: f64,
        every: u64,
        is_slow: bool,
        refused: bool,
    ) -> Option<Opened> {
        if (sample.in_flight as f64) < limit / TIMES {
            return None;
        }
        let in_flight = sample.in_flight.max(1) as f64;
        self.trend.add(in_flight.ln(), Point::rtt_of(sample));
        self.is_touched |= sample.at_limit || refused;
        if self.trend.is_steeper_than(HALF) {
            return Some(Opened::Queue(self.calls()));
        }
        if !self.is_touched || sample.dropped || is_slow {
            return None;
        }
        self.has_grown = true;
        self.unreached = 0;
        Some(Opened::Raise(limit + (TIMES - 1.0) * every as f64))
    }

    /// Takes in the end of a window. Returns whether the raised limit has not been reached for long, so that it is
    /// high enough.
    pub(super) fn is_wide(&mut self, window: &Window) -> bool {
        self.is_touched = false;
        if !self.has_grown || window.is_reached() {
            self.unreached = 0;
            return false;
        }
        self.unreached += 1;
        self.unreached >= LONG
    }
}

/// By how much the limit grows in one round trip. With fewer, a service that takes ten seconds a call and hundreds of
/// calls at once is not open within half a minute: see "shed: a cold start" in `tests/simulations`.
const TIMES: f64 = 8.0;
/// Above its knee a service takes as many times longer as there are times more calls, which is a slope of 1; below it
/// the slope is 0.
const HALF: f64 = 0.5;
/// So many windows of a load that stays below the limit are no lull.
const LONG: u32 = 16;

#[cfg(all(test, not(buttress_loom)))]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Calls that each find the limit reached and take so many seconds by how many are under way. Returns the last
    /// limit, and how many were under way when a queue was seen.
    fn open(calls: usize, takes: impl Fn(f64) -> f64) -> (f64, Option<f64>) {
        let (mut opening, mut limit) = (Opening::default(), 20.0);
        for call in 0..calls {
            let in_flight = (call as f64 + 1.0).min(limit);
            let rtt = SECOND.mul_f64(takes(in_flight));
            let sample = Sample::success(rtt, in_flight as u64).at_limit(true);
            match opening.on_sample(&sample, limit, 1, false, false) {
                Some(Opened::Raise(to)) => limit = to,
                Some(Opened::Queue(at)) => return (limit, Some(at)),
                None => {}
            }
        }
        (limit, None)
    }

    #[test]
    fn a_service_that_takes_no_longer_for_more_calls_is_opened() {
        let (limit, queue) = open(200, |_| 2.0);
        assert_eq!(queue, None);
        assert!(limit > 1_000.0, "{limit}");
    }

    #[test]
    fn a_queue_ends_it() {
        let (limit, queue) = open(1_000, |in_flight| (in_flight / 30.0).max(1.0));
        assert!(queue.is_some_and(|at| at < 100.0), "{queue:?}");
        assert!(limit <= 30.0 * 30.0, "{limit}");
    }

    #[test]
    fn it_waits_for_calls_that_began_at_the_new_level() {
        let (mut opening, mut limit) = (Opening::default(), 20.0);
        for _ in 0..1_000 {
            let sample = Sample::success(SECOND, 20).at_limit(true);
            if let Some(Opened::Raise(to)) = opening.on_sample(&sample, limit, 1, false, false) {
                limit = to;
            }
        }
        assert!((160.0..=167.0).contains(&limit), "{limit}");
    }

    #[test]
    fn a_limit_that_is_not_reached_is_not_raised_and_neither_by_what_is_slow_or_dropped() {
        let mut opening = Opening::default();
        let well = Sample::success(SECOND, 10);
        assert_eq!(opening.on_sample(&well, 20.0, 1, false, false), None);
        let reached = well.at_limit(true);
        assert_eq!(opening.on_sample(&reached, 20.0, 1, true, false), None);
        let timeout = crate::Outcome::Failure(crate::FailureKind::Timeout);
        let dropped = Sample::of(timeout, SECOND, 10).expect("it is a sample");
        assert_eq!(opening.on_sample(&dropped, 20.0, 1, false, false), None);
        let raised = opening.on_sample(&well, 20.0, 1, false, true);
        assert_eq!(raised, Some(Opened::Raise(27.0)));
    }
}
