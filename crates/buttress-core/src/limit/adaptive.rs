use super::opening::{ENOUGH, Opened, Opening};
use super::pace::Pace;
use super::regression::WindowStats;
use super::relief::{Relief, Response};
use super::rtt_tracker::RttTracker;
use super::search::{Search, Searched};
use super::steps::Steps;
use super::unloaded_baseline::{ROOM, UnloadedBaseline};
use super::window::Window;
use super::{Ended, LimitConfig};

/// The default rule: finds the knee by measuring what a lower limit changes.
///
/// Most windows run at the target limit, and a few at a slightly lower one. If the lower windows have the same round
/// trip time and a lower throughput, no calls were queued, and the limit may rise. If they have a shorter round trip
/// time and the same throughput, the queue had no benefit, and the limit falls. The target is the slope of the round
/// trip time between the two at which a power of throughput over round trip time is greatest (Giessler and others,
/// 1978; Kleinrock, 1979). Steps become shorter with their number (Robbins and Monro, 1951), down to a length that
/// still follows a change.
///
/// The comparison needs no stored baseline, which could be measured during an overload or become stale. A mix of slower
/// calls affects both levels equally. Windows in which the limit was not reached are not compared: there the load
/// determined the number in flight, and long calls raise that number.
///
/// When the round trip time returns to the [`UnloadedBaseline`], the limit that this baseline sustained is tried again.
/// When it falls far below its recent value at the same limit, twice the limit is tried.
///
/// A new limit begins with slow start, see [`Opening`]. It changes to a [`Search`] when slow start detects a queue, and
/// whenever round trip times change by more than their usual variation. Otherwise it is settled, and [`Steps`] measures
/// at a small cost in capacity.
#[derive(Debug)]
pub(super) struct Adaptive {
    aim: f64,
    /// Present during slow start.
    opening: Option<Opening>,
    /// Present during a search.
    strides: Option<Search>,
    /// The limit before a higher one was tried.
    probed_at: Option<f64>,
    /// Whether the next window is ignored, because its calls began under an earlier limit.
    is_draining: bool,
    /// Recent windows in which the limit was reached. Lower windows are measured only in an overload: otherwise the
    /// lower limit would itself reject calls.
    reached: u32,
    steps: Steps,
    usual: RttTracker,
    calm: UnloadedBaseline,
    relief: Relief,
    pace: Pace,
}

impl Adaptive {
    pub(super) fn new(limit: f64) -> Self {
        Self {
            aim: limit,
            opening: None,
            strides: Some(Search::default()),
            probed_at: None,
            is_draining: false,
            reached: 0,
            steps: Steps::default(),
            usual: RttTracker::default(),
            calm: UnloadedBaseline::default(),
            relief: Relief::default(),
            pace: Pace::default(),
        }
    }

    /// A limit without samples, which begins with slow start.
    pub(super) fn opening(limit: f64) -> Self {
        Self {
            opening: Some(Opening::new(limit)),
            ..Self::new(limit)
        }
    }

    pub(super) fn aim(&self) -> f64 {
        self.aim
    }

    /// The number in flight from which calls are recorded individually, if any are.
    pub(super) fn looks_from(&self) -> Option<u64> {
        self.opening.as_ref().map(Opening::looks_from)
    }

    /// Records a single call. Returns whether it moved the limit.
    pub(super) fn on_sample(&mut self, call: &Ended, config: &LimitConfig) -> bool {
        let Some(opening) = &mut self.opening else {
            return false;
        };
        // The limit does not rise on calls that take far longer than usual.
        let may_rise = !self.usual.is_slow_window(WindowStats::rtt_of(&call.sample));
        let Some(limit) = opening.on_sample(call, self.aim, may_rise) else {
            return false;
        };
        let before = std::mem::replace(&mut self.aim, config.clamp(limit));
        self.aim != before
    }

    pub(super) fn now(&self) -> f64 {
        if self.is_low() {
            // At least one lower, so that small limits have a lower level to compare with.
            (self.aim * LOW).min(self.aim - 1.0)
        } else {
            self.aim
        }
    }

    pub(super) fn is_searching(&self) -> bool {
        self.strides.is_some()
    }

    /// Samples in a window: several per slot, so that most calls of a window also began in it. During slow start the
    /// limit may be far above the calls in flight, so a window is one round trip of those.
    pub(super) fn window(&self, limit: u64) -> u64 {
        let samples = match &self.opening {
            Some(opening) => limit.min(opening.calls() as u64),
            None => limit.saturating_mul(4),
        };
        samples.clamp(self.pace.least(), MOST)
    }

    pub(super) fn on_window(&mut self, window: &Window, config: &LimitConfig) {
        self.pace.on_window(window);
        if self.backs_off(window, config) {
            return;
        }
        // Calls that began under a higher limit do not describe this one.
        let is_overfull = window.in_flight > OVERFULL * self.now();
        if std::mem::take(&mut self.is_draining) || is_overfull || self.opens(window, config) {
            return;
        }
        let point = WindowStats::of(window);
        let is_reached = window.is_reached();
        // A search changes round trip times itself, so a change during a search is expected.
        let searched = is_reached && self.is_striding();
        let surprised = !searched && self.usual.is_anomalous(point.rtt);
        if !is_reached {
            self.reached = self.reached.saturating_sub(2);
            if let Some(before) = self.probed_at.take() {
                let is_free = self.strides.take().is_some_and(|up| up.is_free(point));
                // If no calls queued, the limit needs only some headroom above what was in use. Otherwise it returns to
                // its earlier value.
                let room = if is_free {
                    ROOM * window.in_flight
                } else {
                    0.0
                };
                self.aim = config.clamp(before.max(room.min(self.aim)));
                if self.aim > before {
                    self.steps.forget();
                }
                self.steps.begin_cycle();
                if is_free {
                    self.calm.see(point);
                }
            } else {
                if self.strides.is_some() {
                    self.search();
                }
                self.calm.see(point);
            }
            self.make_room(window, config);
            return;
        }
        self.reached = (self.reached + 1).min(2 * OVERLOADED);
        if surprised {
            self.search();
        }
        let is_striding = self.is_striding();
        if let Some(strides) = &mut self.strides {
            if is_striding {
                match strides.on_window(point, !self.usual.is_slow_window(point.rtt)) {
                    Searched::Times(times) => {
                        if times > 1.0 && self.probed_at.is_some() {
                            // No calls queue at this level, so it becomes the level to return to.
                            self.probed_at = Some(self.aim);
                        }
                        self.aim = config.clamp(self.aim * times);
                    }
                    Searched::Knee(knee) => self.settle(knee, config),
                }
            }
            return;
        }
        if self.is_low() {
            self.steps.add_low(point);
        } else {
            let eased = self.steps.add_high(point);
            let worth = match self.calm.candidate(self.aim, point) {
                // Calls take much less time at the same limit, so the capacity may have grown.
                None if eased && !self.usual.is_slow() => Some(2.0 * self.aim),
                worth => worth,
            };
            if let Some(worth) = worth {
                self.steps.begin_cycle();
                self.probe(worth, point, point, config);
                return;
            }
        }
        if self.is_low()
            && let Some(compared) = self.steps.compare(!self.usual.is_slow())
        {
            self.aim = config.clamp(self.aim * compared.times);
            if let Some((high, low)) = compared.free {
                self.probe(2.0 * self.aim, high, low, config);
            }
        }
    }

    /// Records a window during slow start. Returns whether slow start consumed the window.
    fn opens(&mut self, window: &Window, config: &LimitConfig) -> bool {
        let Some(opening) = &mut self.opening else {
            return false;
        };
        match opening.on_window(window) {
            Opened::Wide => {
                self.opening = None;
                self.strides = None;
                let enough = f64::from(config.initial).max(ENOUGH * window.in_flight);
                self.aim = config.clamp(enough.min(self.aim));
                return false;
            }
            Opened::Queue => {
                self.search_now(config);
                return true;
            }
            Opened::Goes => {}
        }
        if window.is_reached() {
            if self.aim >= f64::from(config.max) {
                self.search_now(config);
            }
        } else if opening.has_grown() {
            self.aim = config.clamp(opening.lower(self.aim, window.in_flight));
        } else {
            let point = WindowStats::of(window);
            self.usual.is_anomalous(point.rtt);
            self.calm.see(point);
        }
        true
    }

    /// Ends slow start, because there is a queue, and starts a search. The next window is ignored.
    fn search_now(&mut self, config: &LimitConfig) {
        if let Some(opening) = self.opening.take() {
            let calls = opening.calls().max(config.initial.into());
            self.aim = config.clamp(calls.min(self.aim));
        }
        self.search();
        self.reached = OVERLOADED;
        self.is_draining = true;
    }

    /// Lowers the limit after windows with many overload responses and timeouts. Returns whether that consumed the
    /// window.
    fn backs_off(&mut self, window: &Window, config: &LimitConfig) -> bool {
        let many = window.dropped >= TOO_MANY_DROPPED;
        if !window.fills(self.now()) {
            // The load alone determines the number in flight, so the limit did not cause these failures.
            let lower = config.clamp(window.back_off(self.aim, BACK_OFF));
            if many && lower < self.aim {
                self.aim = lower;
                self.steps.forget();
            }
            return false;
        }
        match self.relief.on_window(self.aim, window.dropped, many) {
            Some(Response::BackOff) => {
                self.opening = None;
                self.aim = config.clamp(self.aim * BACK_OFF);
                self.search();
                true
            }
            Some(Response::Return(from)) => {
                self.aim = config.clamp(from);
                self.strides = None;
                self.probed_at = None;
                self.is_draining = true;
                self.steps.forget();
                true
            }
            Some(Response::Bear) | None => false,
        }
    }

    /// Tries a higher limit for one window. The cause may be chance, but the trial costs no capacity.
    fn probe(&mut self, worth: f64, high: WindowStats, low: WindowStats, config: &LimitConfig) {
        self.probed_at = Some(self.aim);
        self.strides = Some(Search::upward(high, low));
        self.aim = config.clamp(worth);
    }

    fn is_striding(&self) -> bool {
        self.strides.is_some() && self.reached >= OVERLOADED
    }

    fn is_low(&self) -> bool {
        self.strides.is_none() && self.reached >= OVERLOADED && self.steps.is_low_due(self.aim)
    }

    /// Raises the limit above bursts that reach it while the load alone determines the number in flight. Such windows
    /// also occur now and then in an overload; there the limit stays where the search left it.
    fn make_room(&mut self, window: &Window, config: &LimitConfig) {
        let is_touched = window.at_limit > TOUCHED && window.in_flight < SLACK * self.aim;
        if is_touched && self.reached < OVERLOADED && !self.usual.is_slow() {
            let room = (self.aim * 1.01).min(window.in_flight * 1.5);
            self.aim = config.clamp(self.aim.max(room));
        }
    }

    /// Ends a search at the knee it found. If that is near the limit from before the search, that limit is restored.
    fn settle(&mut self, knee: f64, config: &LimitConfig) {
        self.strides = None;
        self.is_draining = true;
        match self.probed_at.take() {
            Some(before) if knee < before * ELSEWHERE => {
                self.aim = before;
                self.steps.resume();
            }
            _ => {
                self.aim = config.clamp(knee);
                self.steps.forget();
            }
        }
    }

    fn search(&mut self) {
        self.probed_at = None;
        self.strides = Some(Search::default());
        self.steps.forget();
    }
}

// Values without a source were tuned in `tests/simulations`: on its first seeds with twenty workers of 50 ms, and kept
// if they also improved the results of other seeds and services.

/// The lower limit as a share of the target. From a limit at which a tenth of the calls queue, this is the smallest
/// reduction that idles a worker.
const LOW: f64 = 0.85;

const MOST: u64 = 100_000;
/// From this many windows in which the limit was reached, there is an overload. Windows in which it was not reached
/// count against them.
const OVERLOADED: u32 = 4;
/// A knee estimated from two windows of a hundred calls is off by an eighth: this is more than twice that.
const ELSEWHERE: f64 = 1.3;
/// A few calls in flight may exceed the limit, for example where shares are borrowed.
const OVERFULL: f64 = 1.25;
const TOUCHED: f64 = 0.02;
const SLACK: f64 = 0.8;
const TOO_MANY_DROPPED: f64 = 0.1;
/// The factor of AIMD in Netflix's concurrency-limits.
const BACK_OFF: f64 = 0.9;
