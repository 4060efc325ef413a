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

/// The default: looks for the knee by what a lower limit changes.
///
/// Most windows are at the target limit, and now and then one is somewhat below. If in the lower windows the round trip
/// is as long and the throughput lower, the service had no queue, and the limit may rise. If the round trip is shorter
/// and the throughput the same, the queue had no benefit. The step aims at a slope of the round trip between the two,
/// which is where a power of throughput over round trip is greatest (Giessler and others, 1978; Kleinrock, 1979). Steps
/// become shorter with their number (Robbins and Monro, 1951), down to a length that still follows a change.
///
/// There is no baseline that could be learnt in a bad hour or grow old. A mix of slower calls is as slow at both
/// levels. Windows in which the limit was not reached are not compared: there the load made the number in flight,
/// and long calls make many.
///
/// The limit that the [`UnloadedBaseline`] sustained is tried again when latency returns to that baseline, or falls far
/// below that of a moment ago.
///
/// When it begins it *opens* the limit by the [`Opening`]. When that sees a queue, and when round trips change by more
/// than they usually do, it *searches* by [`Search`]. Else it is *settled* and gives up little to look, by [`Steps`].
#[derive(Debug)]
pub(super) struct Adaptive {
    aim: f64,
    /// While it opens.
    opening: Option<Opening>,
    /// While it searches.
    strides: Option<Search>,
    /// The limit before it was doubled for a try.
    probed_at: Option<f64>,
    /// Whether the next window is one of calls that began in a search.
    is_draining: bool,
    /// How often of late the limit was reached. Without an overload there is no low window: it would make one.
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

    /// A limit without samples, which opens.
    pub(super) fn opening(limit: f64) -> Self {
        Self {
            opening: Some(Opening::new(limit)),
            ..Self::new(limit)
        }
    }

    pub(super) fn aim(&self) -> f64 {
        self.aim
    }

    /// The minimum number in flight at which calls are recorded individually, if any are.
    pub(super) fn looks_from(&self) -> Option<u64> {
        self.opening.as_ref().map(Opening::looks_from)
    }

    /// Takes in a call by itself. Returns whether that moved the limit.
    pub(super) fn on_sample(&mut self, call: &Ended, config: &LimitConfig) -> bool {
        let Some(opening) = &mut self.opening else {
            return false;
        };
        // More of what takes far longer than usual is no answer.
        let may_rise = !self.usual.is_slow_window(WindowStats::rtt_of(&call.sample));
        let Some(limit) = opening.on_sample(call, self.aim, may_rise) else {
            return false;
        };
        let before = std::mem::replace(&mut self.aim, config.clamp(limit));
        self.aim != before
    }

    pub(super) fn now(&self) -> f64 {
        if self.is_low() {
            // At least one below, or nothing could be seen at small limits.
            (self.aim * LOW).min(self.aim - 1.0)
        } else {
            self.aim
        }
    }

    pub(super) fn is_searching(&self) -> bool {
        self.strides.is_some()
    }

    /// Enough for every slot to be taken some times over, so that most of a window's calls began in it. A limit that
    /// opens may be far above the slots that are taken, and looks at one round trip at a time.
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
        // Calls that began under a higher limit say nothing about this one.
        let is_overfull = window.in_flight > OVERFULL * self.now();
        if std::mem::take(&mut self.is_draining) || is_overfull || self.opens(window, config) {
            return;
        }
        let point = WindowStats::of(window);
        let is_reached = window.is_reached();
        // What a search does to round trips is no surprise.
        let searched = is_reached && self.is_striding();
        let surprised = !searched && self.usual.is_anomalous(point.rtt);
        if !is_reached {
            self.reached = self.reached.saturating_sub(2);
            if let Some(before) = self.probed_at.take() {
                let is_free = self.strides.take().is_some_and(|up| up.is_free(point));
                // If no call waited, somewhat more than was in use suffices. Before, it did not.
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
                            // No calls wait here: there is no reason to go back further.
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
                // At the same limit calls take much less time: there may be more to be had.
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

    /// Goes on with the opening. Returns whether it is not over yet.
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

    /// There is a queue: looks for the knee, beginning with the next window but one.
    fn search_now(&mut self, config: &LimitConfig) {
        if let Some(opening) = self.opening.take() {
            let calls = opening.calls().max(config.initial.into());
            self.aim = config.clamp(calls.min(self.aim));
        }
        self.search();
        self.reached = OVERLOADED;
        self.is_draining = true;
    }

    /// Answers windows with many overload answers and timeouts. Returns whether the window is used up by that.
    fn backs_off(&mut self, window: &Window, config: &LimitConfig) -> bool {
        let many = window.dropped >= TOO_MANY_DROPPED;
        if !window.fills(self.now()) {
            // The load alone determines the number in flight: the limit did not cause that queue.
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

    /// Tries a higher limit for a window. It may be by chance, but it costs no capacity.
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

    /// The load alone determines the number in flight, and bursts reach the limit: it may be somewhat above them. In an
    /// overload there are windows like that too, now and then, and the limit is where the search left it.
    fn make_room(&mut self, window: &Window, config: &LimitConfig) {
        let is_touched = window.at_limit > TOUCHED && window.in_flight < SLACK * self.aim;
        if is_touched && self.reached < OVERLOADED && !self.usual.is_slow() {
            let room = (self.aim * 1.01).min(window.in_flight * 1.5);
            self.aim = config.clamp(self.aim.max(room));
        }
    }

    /// The knee was found. One that is where it was thought to be changes nothing.
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

// Where no source is named, a number is from `tests/simulations`: found on its first seeds with twenty workers of 50 ms,
// kept if other seeds and other services were the better for it too.

/// The low limit as a share of the other. From a limit at which a tenth waits this is the least that idles a worker.
const LOW: f64 = 0.85;

const MOST: u64 = 100_000;
/// After this many of them, less those that were not, there is an overload.
const OVERLOADED: u32 = 4;
/// A knee that is estimated from two windows of a hundred is off by an eighth: this is more than twice that.
const ELSEWHERE: f64 = 1.3;
/// Of calls that began under the limit a few may have found it exceeded, as where shares are borrowed.
const OVERFULL: f64 = 1.25;
const TOUCHED: f64 = 0.02;
const SLACK: f64 = 0.8;
const TOO_MANY_DROPPED: f64 = 0.1;
/// As AIMD does, in Netflix's concurrency-limits.
const BACK_OFF: f64 = 0.9;
