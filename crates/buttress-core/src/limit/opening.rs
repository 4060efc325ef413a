//! The beginning of a limit that knows nothing yet.

use super::Sample;
use super::slope::Point;
use super::trend::Trend;
use super::window::Window;
use crate::time::nanos;

/// Raises the limit with every call that ends well, until a queue is seen or the limit is no longer reached.
///
/// This is the slow start of TCP (Jacobson, 1988), which needs no windows: where a call takes seconds, a window of them
/// takes minutes. Each call raises the limit by seven, but not above eight times the calls that end in the round trip
/// time of the first calls. By Little's law that is how many are in flight without a queue, so a queue cannot raise it.
///
/// A queue is seen where calls take longer the more are in flight, where more calls in flight are not more throughput, and
/// where a limit that is reached cannot be raised and calls take more than twice as long as the first ones.
#[derive(Debug)]
pub(super) struct Opening {
    /// Where the limit began.
    first: f64,
    trend: Trend,
    /// The mean round trip, in nanoseconds, of calls that began below the first limit, or of the fastest window.
    round_trip: f64,
    timed: f64,
    /// When the current period of one round trip began, and how many calls have ended in it.
    since: u64,
    ended: f64,
    /// How many calls ended in a round trip, over the last period.
    busy: f64,
    /// Whether a call found the limit reached since the last window ended.
    is_touched: bool,
    /// Whether the limit was raised since the last window ended, and ever.
    is_growing: bool,
    has_grown: bool,
    /// When the last call ended, and the first that raised the limit, in nanoseconds.
    now: u64,
    grown_at: u64,
    /// The first window that says how long calls take, after the limit was raised.
    base: Option<Point>,
    /// How many windows in a row the raised limit was not reached.
    unreached: u32,
}

/// What a window leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opened {
    /// It is not over.
    Goes,
    /// The raised limit has not been reached for long: it is high enough.
    Wide,
    /// Calls wait.
    Queue,
}

impl Opening {
    pub(super) fn new(first: f64) -> Self {
        Self {
            first,
            trend: Trend::default(),
            round_trip: 0.0,
            timed: 0.0,
            since: 0,
            ended: 0.0,
            busy: 0.0,
            is_touched: false,
            is_growing: false,
            has_grown: false,
            now: 0,
            grown_at: 0,
            base: None,
            unreached: 0,
        }
    }

    /// Calls that began when fewer were in flight say nothing about the limit, and need not be looked at.
    pub(super) fn looks_from(&self) -> u64 {
        (self.first / TIMES).ceil() as u64
    }

    /// Whether the limit is still where it began.
    pub(super) fn has_grown(&self) -> bool {
        self.has_grown
    }

    /// How many calls are in flight, as far as they were looked at.
    pub(super) fn calls(&self) -> f64 {
        self.trend.x().exp()
    }

    /// Takes in a call that ended at `at` nanoseconds and stands for `every` calls. `is_slow` says that it took far longer
    /// than calls usually do: more of them is then no answer. `refused` says whether others found no place meanwhile.
    /// Returns the limit, if that raises it.
    pub(super) fn on_sample(
        &mut self,
        sample: &Sample,
        at: u64,
        limit: f64,
        every: u64,
        is_slow: bool,
        refused: bool,
    ) -> Option<f64> {
        let in_flight = sample.in_flight.max(1) as f64;
        self.time(sample, at, every);
        self.trend.add(in_flight.ln(), Point::rtt_of(sample));
        self.is_touched |= sample.at_limit || refused;
        if !self.is_touched || sample.dropped || is_slow || in_flight < limit / TIMES {
            return None;
        }
        let bound = TIMES * self.busy.max(self.ended);
        let raised = bound.min(limit + (TIMES - 1.0) * every as f64);
        if raised <= limit {
            return None;
        }
        if !self.has_grown {
            self.grown_at = at;
        }
        self.has_grown = true;
        self.is_growing = true;
        self.unreached = 0;
        Some(raised)
    }

    /// Whether calls take longer the more of them are in flight, since the limit was raised.
    pub(super) fn sees_queue(&self) -> bool {
        self.has_grown && self.trend.is_steeper_than(HALF)
    }

    fn time(&mut self, sample: &Sample, at: u64, every: u64) {
        self.now = at;
        let rtt = nanos(sample.rtt) as f64;
        if sample.in_flight as f64 <= self.first && !sample.dropped {
            self.timed = (self.timed + 1.0).min(MEMORY);
            self.round_trip += (rtt - self.round_trip) / self.timed;
        }
        let lasted = at.saturating_sub(self.since) as f64;
        if lasted >= self.round_trip.max(1.0) {
            self.busy = self.ended * self.round_trip / lasted;
            (self.since, self.ended) = (at, 0.0);
        }
        self.ended += every as f64;
    }

    /// Whether more calls are in flight than at first and only take longer: both the round trip and the throughput have
    /// to say so.
    fn has_queue(&mut self, point: Point) -> bool {
        let base = *self.base.get_or_insert(point);
        point.calls() > ABOVE * base.calls()
            && point
                .queueing_above(base)
                .is_some_and(|(rtt, lag)| rtt.min(lag) > HALF)
    }

    /// Takes in the end of a window.
    pub(super) fn on_window(&mut self, window: &Window) -> Opened {
        let was_touched = std::mem::take(&mut self.is_touched);
        let was_growing = std::mem::take(&mut self.is_growing);
        if !self.has_grown {
            if !was_touched {
                // What changes with time is not to be taken for what changes with the calls in flight.
                self.trend = Trend::default();
            }
            return Opened::Goes;
        }
        let since = self.now.saturating_sub(self.grown_at) as f64;
        if since >= LIVES * window.rtt * 1e9 {
            // The first calls may have met cold caches.
            self.round_trip = self.round_trip.min(window.rtt * 1e9);
            if self.has_queue(Point::of(window)) {
                return Opened::Queue;
            }
        }
        let is_slow = window.rtt * 1e9 > SLOW * self.round_trip;
        if window.is_reached() {
            self.unreached = 0;
            return if was_growing || !is_slow {
                Opened::Goes
            } else {
                Opened::Queue
            };
        }
        self.unreached += 1;
        match self.unreached {
            0..LONG => Opened::Goes,
            _ if is_slow => Opened::Queue,
            _ => Opened::Wide,
        }
    }
}

/// By how much the limit grows in one round trip. With fewer, a service that takes ten seconds a call and hundreds of
/// calls at once is not open within half a minute: see "shed: a cold start" in `tests/simulations`.
const TIMES: f64 = 8.0;
/// Above its knee a service takes as many times longer as there are times more calls, which is a slope of 1; below it
/// the slope is 0.
const HALF: f64 = 0.5;
/// Of the calls that began together the short ones end first. After so many round trips that is over.
const LIVES: f64 = 3.0;
/// Less far above, a window says nothing about the calls that were added.
const ABOVE: f64 = 1.5;
/// Calls that take more than so many times as long as the first ones wait.
const SLOW: f64 = 2.0;
/// How many calls the round trip of the first ones is the mean of.
const MEMORY: f64 = 64.0;
/// So many windows of a load that stays below the limit are no lull.
const LONG: u32 = 64;

#[cfg(all(test, not(buttress_loom)))]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Calls that come as fast as the limit allows, and take so many seconds by how many are in flight. Returns the
    /// last limit, and whether a queue was seen.
    fn open(calls: usize, takes: impl Fn(f64) -> f64) -> (f64, bool) {
        let (mut opening, mut limit) = (Opening::new(20.0), 20.0_f64);
        let mut in_flight = std::collections::BinaryHeap::new();
        let mut now = 0_u64;
        for _ in 0..calls {
            while (in_flight.len() as f64) < limit {
                let number = in_flight.len() as u64 + 1;
                let rtt = SECOND.mul_f64(takes(number as f64));
                let ends = now + nanos(rtt) + number;
                in_flight.push(std::cmp::Reverse((ends, number, rtt)));
            }
            let Some(std::cmp::Reverse((ends, number, rtt))) = in_flight.pop() else {
                break;
            };
            now = ends;
            let sample = Sample::success(rtt, number).at_limit(true);
            limit = opening
                .on_sample(&sample, now, limit, 1, false, false)
                .unwrap_or(limit);
            if opening.sees_queue() {
                return (limit, true);
            }
        }
        (limit, false)
    }

    #[test]
    fn a_service_that_takes_no_longer_for_more_calls_is_opened() {
        let (limit, queue) = open(1_000, |_| 2.0);
        assert!(!queue);
        assert!(limit > 1_000.0, "{limit}");
    }

    #[test]
    fn a_queue_ends_it() {
        let (limit, queue) = open(2_000, |in_flight| (in_flight / 30.0).max(1.0));
        assert!(queue, "{limit}");
        assert!(limit <= 8.0 * 60.0, "{limit}");
    }

    #[test]
    fn a_limit_that_is_not_reached_is_not_raised_and_neither_by_what_is_slow_or_dropped() {
        let mut opening = Opening::new(20.0);
        let well = Sample::success(SECOND, 10);
        let mut on = |sample: &Sample, is_slow, refused| {
            let at = nanos(SECOND) / 20;
            (0..9)
                .filter_map(|_| opening.on_sample(sample, at, 20.0, 1, is_slow, refused))
                .last()
        };
        assert_eq!(on(&well, false, false), None);
        let reached = well.at_limit(true);
        assert_eq!(on(&reached, true, false), None);
        let timeout = crate::Outcome::Failure(crate::FailureKind::Timeout);
        let dropped = Sample::of(timeout, SECOND, 10).expect("it is a sample");
        assert_eq!(on(&dropped, false, false), None);
        assert_eq!(on(&well, false, true), Some(27.0));
    }

    #[test]
    fn what_changes_with_time_before_the_limit_is_reached_is_no_queue() {
        let mut opening = Opening::new(20.0);
        let window = Window {
            rtt: 1.0,
            answered: None,
            in_flight: 5.0,
            throughput: 5.0,
            at_limit: 0.0,
            dropped: 0.0,
            refused: 0.0,
        };
        for call in 0..1_000_u32 {
            let in_flight = 4 + u64::from(call / 100);
            let sample = Sample::success(SECOND * (1 + call / 100), in_flight);
            let at = u64::from(call) * nanos(SECOND);
            assert_eq!(opening.on_sample(&sample, at, 20.0, 1, false, false), None);
            assert!(!opening.sees_queue());
            if call % 100 == 99 {
                assert_eq!(opening.on_window(&window), Opened::Goes);
            }
        }
    }
}
