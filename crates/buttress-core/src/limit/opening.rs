//! Slow start: the first phase of a limit, before it has samples.

use super::regression::WindowStats;
use super::sample::Ended;
use super::window::Window;
use crate::time::nanos;

/// Raises the limit with every successful call, until a queue is detected or the limit is no longer reached.
///
/// This is the slow start of TCP (Jacobson, 1988). It does not wait for windows, because a window of calls that take
/// seconds lasts minutes. Each call raises the limit by seven, up to eight times the calls that end within the round
/// trip time of the first calls. By Little's law that is the number in flight without a queue, so a queue cannot raise
/// this bound.
///
/// Each window in which the limit is not reached lowers it, so that it does not stay where a burst raised it to.
///
/// A queue is detected where more calls in flight take longer and do not raise the throughput, and where a limit that
/// is reached cannot be raised.
#[derive(Debug)]
pub(super) struct Opening {
    /// The initial limit.
    first: f64,
    /// The mean number in flight over the last calls.
    calls: f64,
    seen: f64,
    /// The mean round trip, in nanoseconds, of calls that began below the first limit, or of the fastest window.
    round_trip: f64,
    timed: f64,
    /// The start of the current period of one round trip, in nanoseconds, and the number of calls that have ended in
    /// it.
    since: u64,
    ended: f64,
    /// The number of calls that ended in one round trip, in the last period.
    busy: f64,
    /// Whether a call found the limit reached since the last window ended.
    is_touched: bool,
    /// The limit as last raised, and its value when the last window ended.
    raised: f64,
    raised_before: f64,
    /// When the limit was first raised, in nanoseconds.
    grown_at: Option<u64>,
    /// When the last call ended, in nanoseconds.
    now: u64,
    /// The first window with a valid round trip time after the limit was raised.
    base: Option<WindowStats>,
    /// The number of consecutive windows in which the raised limit was not reached.
    unreached: u32,
}

/// The result of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opened {
    /// Slow start continues.
    Goes,
    /// The raised limit has not been reached for a long time, so it is high enough.
    Wide,
    /// Calls are queued.
    Queue,
}

impl Opening {
    pub(super) fn new(first: f64) -> Self {
        Self {
            first,
            calls: 0.0,
            seen: 0.0,
            round_trip: 0.0,
            timed: 0.0,
            since: 0,
            ended: 0.0,
            busy: 0.0,
            is_touched: false,
            raised: first,
            raised_before: first,
            grown_at: None,
            now: 0,
            base: None,
            unreached: 0,
        }
    }

    /// The number in flight from which calls are recorded individually. Calls that began with fewer do not show whether
    /// the limit is right.
    pub(super) fn looks_from(&self) -> u64 {
        (self.first / TIMES).ceil() as u64
    }

    /// Whether the limit has been raised.
    pub(super) fn has_grown(&self) -> bool {
        self.grown_at.is_some()
    }

    /// The mean number in flight over the last recorded calls.
    pub(super) fn calls(&self) -> f64 {
        self.calls
    }

    /// Records a call. Returns the new limit if this call raises it, which it does only if `may_rise`.
    pub(super) fn on_sample(&mut self, call: &Ended, limit: f64, may_rise: bool) -> Option<f64> {
        let (sample, every) = (&call.sample, call.every as f64);
        self.time(call);
        self.is_touched |= sample.at_limit || call.refused;
        // Calls that began far below the limit began an earlier round trip.
        let is_early = (sample.in_flight as f64) < limit / TIMES;
        if !may_rise || !self.is_touched || sample.dropped || is_early {
            return None;
        }
        let bound = TIMES * self.busy.max(self.ended);
        let raised = bound.min(limit + (TIMES - 1.0) * every);
        if raised <= limit {
            return None;
        }
        self.grown_at.get_or_insert(call.at);
        self.unreached = 0;
        self.raised = raised;
        Some(raised)
    }

    fn time(&mut self, call: &Ended) {
        let (sample, at) = (&call.sample, call.at);
        let in_flight = sample.in_flight as f64;
        self.now = at;
        toward(&mut self.calls, &mut self.seen, in_flight);
        if in_flight <= self.first && !sample.dropped {
            let rtt = nanos(sample.rtt) as f64;
            toward(&mut self.round_trip, &mut self.timed, rtt);
        }
        let lasted = at.saturating_sub(self.since) as f64;
        if lasted >= self.round_trip.max(1.0) {
            self.busy = self.ended * self.round_trip / lasted;
            (self.since, self.ended) = (at, 0.0);
        }
        self.ended += call.every as f64;
    }

    /// The lower limit after a window in which the limit was not reached, so that a burst does not leave a high limit.
    pub(super) fn lower(&mut self, limit: f64, in_flight: f64) -> f64 {
        let enough = self.first.max(ENOUGH * in_flight);
        self.raised = limit.min(enough.max(limit * EBB));
        self.raised
    }

    /// Records the end of a window.
    pub(super) fn on_window(&mut self, window: &Window) -> Opened {
        self.is_touched = false;
        let was_growing = self.raised > GROWS * self.raised_before;
        self.raised_before = self.raised;
        if window.is_reached() {
            self.unreached = 0;
            if !was_growing {
                return Opened::Queue;
            }
        }
        let Some(grown_at) = self.grown_at else {
            return Opened::Goes;
        };
        let rtt = window.rtt * 1e9;
        if self.now.saturating_sub(grown_at) as f64 >= LIVES * rtt {
            // The first calls may have been slow because of cold caches.
            self.round_trip = self.round_trip.min(rtt);
            if self.has_queue(WindowStats::of(window)) {
                return Opened::Queue;
            }
        }
        if window.is_reached() {
            return Opened::Goes;
        }
        self.unreached += 1;
        match self.unreached {
            0..LONG => Opened::Goes,
            _ if rtt > SLOW * self.round_trip => Opened::Queue,
            _ => Opened::Wide,
        }
    }

    /// Whether additional calls in flight only take longer. The round trip time and the throughput have to agree.
    fn has_queue(&mut self, point: WindowStats) -> bool {
        let base = *self.base.get_or_insert(point);
        point.calls() > ABOVE * base.calls()
            && point
                .queueing_above(base)
                .is_some_and(|(rtt, lag)| rtt.min(lag) > HALF)
    }
}

/// Adds a value to the mean of the last [`MEMORY`] values. `count` is the number of values so far.
fn toward(mean: &mut f64, count: &mut f64, value: f64) {
    *count = (*count + 1.0).min(MEMORY);
    *mean += (value - *mean) / *count;
}

// Each value was tuned on "shed: a cold start" and "shed: other services" of `tests/simulations`.

/// The growth of the limit in one round trip. At half of it, a service with calls of ten seconds and hundreds of calls
/// in flight is not at full capacity within half a minute.
const TIMES: f64 = 8.0;
/// Of calls that began together, the short ones end first. After this many round trips the mean is no longer biased.
const LIVES: f64 = 3.0;
/// The minimum ratio of calls in flight to the base. Below it, a window says too little about the added calls.
const ABOVE: f64 = 2.5;
/// Above the knee, the round trip time grows in proportion to the calls in flight, which is a slope of 1; below it the
/// slope is 0.
const HALF: f64 = 0.5;
/// Calls that take more than this many times the first round trip time are queued.
const SLOW: f64 = 2.0;
/// A limit raised by less than this in a window counts as not raised: the number of calls that end in a round trip
/// varies.
const GROWS: f64 = 1.1;
/// A limit of this many times the calls in flight has enough headroom for a burst.
pub(super) const ENOUGH: f64 = 2.0;
/// The factor by which a window lowers a limit that was not reached.
const EBB: f64 = 0.75;
/// The number of calls in a mean.
const MEMORY: f64 = 64.0;
/// After this many consecutive windows below the limit, the load is not just in a pause.
const LONG: u32 = 64;

#[cfg(all(test, not(buttress_loom)))]
mod tests {
    use super::super::Sample;
    use super::*;
    use crate::{FailureKind, Outcome};
    use std::time::Duration;

    const SECOND: Duration = Duration::from_secs(1);

    fn ended(sample: Sample, at: u64) -> Ended {
        Ended {
            sample,
            at,
            every: 1,
            refused: false,
        }
    }

    fn window(in_flight: f64, rtt: f64, throughput: f64, at_limit: f64) -> Window {
        Window {
            rtt,
            answered: Some(rtt),
            in_flight,
            throughput,
            at_limit,
            dropped: 0.0,
            refused: 0.0,
        }
    }

    /// Simulates calls that arrive as fast as the limit allows, and take `takes` seconds. With few workers, calls wait
    /// in order. Returns the last limit.
    fn open(calls: usize, takes: f64, workers: usize) -> f64 {
        let (mut opening, mut limit) = (Opening::new(20.0), 20.0_f64);
        let mut ends = std::collections::VecDeque::<(u64, u64, u64)>::new();
        let mut now = 0_u64;
        for _ in 0..calls {
            while (ends.len() as f64) < limit {
                // A call begins when a worker is free: when the call `workers` places ahead of it ends.
                let free = ends.len().checked_sub(workers).map_or(now, |at| ends[at].0);
                let end = free.max(now) + nanos(SECOND.mul_f64(takes));
                ends.push_back((end, now, ends.len() as u64 + 1));
            }
            let Some((end, began, number)) = ends.pop_front() else {
                break;
            };
            now = now.max(end);
            let sample = Sample::success(Duration::from_nanos(now - began), number);
            let call = ended(sample.at_limit(true), now);
            limit = opening.on_sample(&call, limit, true).unwrap_or(limit);
        }
        limit
    }

    #[test]
    fn a_service_that_takes_no_longer_for_more_calls_is_opened() {
        let limit = open(1_000, 2.0, usize::MAX);
        assert!(limit > 1_000.0, "{limit}");
    }

    #[test]
    fn a_queue_does_not_raise_it_above_eight_times_the_knee() {
        for workers in [20, 50] {
            let limit = open(100_000, 0.05, workers);
            let most = 9.0 * workers as f64;
            assert!((20.0..=most).contains(&limit), "{limit} at {workers}");
        }
    }

    #[test]
    fn it_rises_only_by_calls_that_end_well_while_the_limit_is_reached() {
        let mut opening = Opening::new(20.0);
        let at = nanos(SECOND) / 20;
        let well = Sample::success(SECOND, 10);
        let mut last = |sample: Sample, refused, may_rise| {
            let call = |_| Ended {
                refused,
                ..ended(sample, at)
            };
            let calls = (0..9).map(call);
            calls
                .filter_map(|call| opening.on_sample(&call, 20.0, may_rise))
                .last()
        };
        assert_eq!(last(well, false, true), None);
        let timeout = Outcome::Failure(FailureKind::Timeout);
        let dropped = Sample::of(timeout, SECOND, 10).expect("it is a sample");
        assert_eq!(last(dropped, true, true), None);
        assert_eq!(last(Sample::success(SECOND, 2), true, true), None);
        assert_eq!(last(well, true, false), None);
        assert_eq!(last(well, true, true), Some(27.0));
    }

    /// An opening whose limit was raised by calls that take a second.
    fn raised() -> Opening {
        let mut opening = Opening::new(20.0);
        for call in 0..40 {
            let at = nanos(SECOND) + call;
            let sample = Sample::success(SECOND, 20).at_limit(true);
            opening.on_sample(&ended(sample, at), 20.0 + call as f64, true);
        }
        assert!(opening.has_grown());
        opening.now = nanos(100 * SECOND);
        opening
    }

    #[test]
    fn more_calls_that_only_take_longer_are_a_queue() {
        let ramp = |rtt: f64, throughput: f64| {
            let mut opening = raised();
            assert_eq!(
                opening.on_window(&window(40.0, 1.0, 40.0, 0.0)),
                Opened::Goes
            );
            opening.on_window(&window(120.0, rtt, throughput, 0.0))
        };
        assert_eq!(ramp(3.0, 40.0), Opened::Queue);
        assert_eq!(ramp(1.0, 120.0), Opened::Goes, "more calls are answered");
        assert_eq!(ramp(1.0, 40.0), Opened::Goes, "they take no longer");
    }

    #[test]
    fn a_limit_that_is_reached_and_does_not_rise_is_a_queue() {
        let mut opening = raised();
        let reached = window(20.0, 1.0, 20.0, 1.0);
        assert_eq!(opening.on_window(&reached), Opened::Goes, "it has risen");
        assert_eq!(opening.on_window(&reached), Opened::Queue);
        assert_eq!(Opening::new(20.0).on_window(&reached), Opened::Queue);
    }

    #[test]
    fn a_limit_that_is_not_reached_for_long_is_wide_unless_calls_are_slow() {
        for (rtt, last) in [(1.0, Opened::Wide), (2.5, Opened::Queue)] {
            let mut opening = raised();
            opening.on_window(&window(40.0, 1.0, 40.0, 1.0));
            for _ in 1..LONG {
                let goes = opening.on_window(&window(60.0, rtt, 40.0, 0.0));
                assert_eq!(goes, Opened::Goes);
            }
            assert_eq!(opening.on_window(&window(60.0, rtt, 40.0, 0.0)), last);
        }
    }

    #[test]
    fn a_burst_at_the_beginning_leaves_no_high_limit() {
        let (mut opening, mut limit) = (raised(), 200.0);
        for lower in [150.0, 112.5, 84.375, 80.0, 80.0] {
            limit = opening.lower(limit, 40.0);
            assert_eq!(limit, lower);
        }
        assert_eq!(opening.lower(limit, 1.0), 60.0);
        assert_eq!(opening.lower(20.0, 1.0), 20.0, "that is the first limit");
        assert_eq!(opening.lower(15.0, 100.0), 15.0, "it is not raised");
    }

    #[test]
    fn a_limit_that_was_never_reached_stays_open() {
        let mut opening = Opening::new(20.0);
        for rtt in [0.001, 1.0, 1_000.0] {
            assert_eq!(
                opening.on_window(&window(19.0, rtt, 1.0, 0.0)),
                Opened::Goes
            );
        }
    }
}
