use super::calm::{Calm, ROOM};
use super::opening::{Opened, Opening};
use super::relief::{Relief, Response};
use super::slope::{Level, Point, Slopes};
use super::strides::{Stride, Strides};
use super::usual::Usual;
use super::window::Window;
use super::{LimitConfig, Sample};

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
/// The limit that the unloaded baseline ([`Calm`]) sustained is tried again when latency returns to that baseline, or
/// falls far below that of a moment ago.
///
/// When it begins it *opens* the limit by the [`Opening`]. When that sees a queue, and when round trips change by more
/// than they usually do, it *searches* by [`Strides`]. Else it is *settled* and gives up little to look.
#[derive(Debug)]
pub(super) struct Guarded {
    aim: f64,
    /// While it opens.
    opening: Option<Opening>,
    /// While it searches.
    strides: Option<Strides>,
    /// The limit before it was doubled for a try.
    probed_at: Option<f64>,
    /// Whether the next window is one of calls that began in a search.
    is_draining: bool,
    /// How many windows since the last low one; the low one is the last of a cycle.
    position: u32,
    /// How often of late the limit was reached. Without an overload there is no low window: it would make one.
    reached: u32,
    before: Level,
    low: Option<Point>,
    after: Level,
    slopes: Slopes,
    /// How many comparisons there were since the search.
    compared: u32,
    /// How many steps in a row were long.
    far: u32,
    usual: Usual,
    calm: Calm,
    relief: Relief,
}

impl Guarded {
    pub(super) fn new(limit: f64) -> Self {
        Self {
            aim: limit,
            opening: None,
            strides: Some(Strides::default()),
            probed_at: None,
            is_draining: false,
            position: 0,
            reached: 0,
            before: Level::default(),
            low: None,
            after: Level::default(),
            slopes: Slopes::default(),
            compared: 0,
            far: 0,
            usual: Usual::default(),
            calm: Calm::default(),
            relief: Relief::default(),
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

    /// Takes in a call by itself, which stands for `every` calls. Returns whether that moved the limit.
    pub(super) fn on_sample(
        &mut self,
        sample: &Sample,
        at: u64,
        every: u64,
        refused: bool,
        config: &LimitConfig,
    ) -> bool {
        let Some(opening) = &mut self.opening else {
            return false;
        };
        let before = self.aim;
        let is_slow = self.usual.finds_slow(Point::rtt_of(sample));
        if let Some(limit) = opening.on_sample(sample, at, before, every, is_slow, refused) {
            self.aim = config.clamp(limit);
        }
        if opening.sees_queue() {
            self.search_now(config);
        }
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
        samples.clamp(LEAST, MOST)
    }

    pub(super) fn on_window(&mut self, window: &Window, config: &LimitConfig) {
        if self.backs_off(window, config) {
            return;
        }
        // Calls that began under a higher limit say nothing about this one.
        let is_overfull = window.in_flight > OVERFULL * self.now();
        if std::mem::take(&mut self.is_draining) || is_overfull || self.opens(window, config) {
            return;
        }
        let point = Point::of(window);
        let is_reached = window.is_reached();
        // What a search does to round trips is no surprise.
        let searched = is_reached && self.is_striding();
        let surprised = !searched && self.usual.is_surprised_by(point.rtt);
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
                    self.forget();
                }
                self.begin_cycle();
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
                match strides.on_window(point, !self.usual.finds_slow(point.rtt)) {
                    Stride::Times(times) => {
                        if times > 1.0 && self.probed_at.is_some() {
                            // No calls wait here: there is no reason to go back further.
                            self.probed_at = Some(self.aim);
                        }
                        self.aim = config.clamp(self.aim * times);
                    }
                    Stride::Knee(knee) => self.settle(knee, config),
                }
            }
            return;
        }
        if self.is_low() {
            self.low = Some(point);
            self.position = 0;
        } else {
            let level = match self.low {
                None => &mut self.before,
                Some(_) => &mut self.after,
            };
            let eased = level
                .mean()
                .is_some_and(|mean| mean.rtt - point.rtt > EASED);
            level.add(point);
            self.position += 1;
            let worth = match self.calm.beckons(self.aim, point) {
                // At the same limit calls take much less time: there may be more to be had.
                None if eased && !self.usual.is_slow() => Some(2.0 * self.aim),
                worth => worth,
            };
            if let Some(worth) = worth {
                self.begin_cycle();
                self.probe(worth, point, point, config);
                return;
            }
        }
        if self.is_low() {
            self.compare(config);
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
                let enough = f64::from(config.initial).max(2.0 * window.in_flight);
                self.aim = config.clamp(enough.min(self.aim));
                return false;
            }
            Opened::Queue => {
                self.search_now(config);
                return true;
            }
            Opened::Goes => {}
        }
        if window.is_reached() && self.aim >= f64::from(config.max) {
            self.search_now(config);
        } else if !opening.has_grown() && !window.is_reached() {
            let point = Point::of(window);
            self.usual.is_surprised_by(point.rtt);
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
        // It was about fewer calls.
        self.usual = Usual::default();
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
                self.forget();
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
                self.forget();
                true
            }
            Some(Response::Bear) | None => false,
        }
    }

    /// Tries a higher limit for a window. It may be by chance, but it costs no capacity.
    fn probe(&mut self, worth: f64, high: Point, low: Point, config: &LimitConfig) {
        self.probed_at = Some(self.aim);
        self.strides = Some(Strides::upward(high, low));
        self.aim = config.clamp(worth);
    }

    fn is_striding(&self) -> bool {
        self.strides.is_some() && self.reached >= OVERLOADED
    }

    fn is_low(&self) -> bool {
        self.strides.is_none() && self.position + 1 >= self.cycle() && self.reached >= OVERLOADED
    }

    /// A limit just settled on is looked at more often than one that has stood for long. So is a low one, where a
    /// dip costs few calls, and those for a window take long to come.
    fn cycle(&self) -> u32 {
        let longest = ((2.0 * self.aim) as u32).clamp(8, 48);
        let cycle = self.compared.saturating_mul(2).saturating_add(4);
        cycle.min(longest)
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

    /// The low window and those around it are there: takes a step.
    fn compare(&mut self, config: &LimitConfig) {
        let (Some(before), Some(low), Some(after)) =
            (self.before.mean(), self.low, self.after.mean())
        else {
            return;
        };
        let high = before.between(after);
        self.slopes.add(high, low, MEMORY);
        self.before = std::mem::take(&mut self.after);
        self.low = None;

        self.compared = self.compared.saturating_add(1);

        let (rtt, lag) = self.slopes.queueing(AIM);
        // Up only if both sides agree, and down likewise.
        let up = ((AIM - rtt.max(lag)) / AIM).clamp(0.0, 1.0);
        let down = ((rtt.min(lag) - AIM) / (1.0 - AIM)).clamp(0.0, 1.0);
        let up = if self.usual.is_slow() { 0.0 } else { up };
        let longest = (FIRST_STEP / f64::from(self.compared)).clamp(STEP.0, STEP.1);
        let step = longest * (up - down);
        self.aim = config.clamp(self.aim * step.exp());
        if up > FAR {
            // Capacity lies idle while this is found out.
            self.compared = 0;
        }
        self.far = if down > FAR { self.far + 1 } else { 0 };
        if self.far == FAR_IN_A_ROW {
            // What was learnt is in the way.
            self.forget();
        }
        // At its lowest bound there is nothing below to compare with.
        let is_free = high
            .queueing_above(low)
            .is_none_or(|(rtt, lag)| rtt.max(lag) < FREE);
        if is_free && !self.usual.is_slow() {
            self.probe(2.0 * self.aim, high, low, config);
        }
    }

    /// The knee was found. One that is where it was thought to be changes nothing.
    fn settle(&mut self, knee: f64, config: &LimitConfig) {
        self.strides = None;
        self.is_draining = true;
        match self.probed_at.take() {
            Some(before) if knee < before * ELSEWHERE => {
                self.aim = before;
                self.far = 0;
                self.begin_cycle();
            }
            _ => {
                self.aim = config.clamp(knee);
                self.forget();
            }
        }
    }

    fn search(&mut self) {
        self.probed_at = None;
        self.strides = Some(Strides::default());
        self.forget();
    }

    fn forget(&mut self) {
        self.compared = 0;
        self.far = 0;
        self.slopes = Slopes::default();
        self.begin_cycle();
    }

    fn begin_cycle(&mut self) {
        self.position = 0;
        self.before = Level::default();
        self.low = None;
        self.after = Level::default();
    }
}

// Where no source is named, a number is from `tests/simulations`: found on its first seeds with twenty workers of 50 ms,
// kept if other seeds and other services were the better for it too.

/// The low limit as a share of the other. From a limit at which a tenth waits this is the least that idles a worker.
const LOW: f64 = 0.85;
/// How many pairs of levels are remembered.
const MEMORY: f64 = 12.0;
/// The slope it aims at, at which the power of throughput over round trip is greatest.
const AIM: f64 = 0.5;
/// The longest step, in the end and at first, as a logarithm.
const STEP: (f64, f64) = (0.01, 0.07);
/// This over the number of steps taken is the longest in between.
const FIRST_STEP: f64 = 0.1;

/// A mean over fewer varies by more than a tenth if times vary exponentially, and one over more comes late.
const LEAST: u64 = 100;
const MOST: u64 = 100_000;
/// After this many of them, less those that were not, there is an overload.
const OVERLOADED: u32 = 4;
/// This many long steps in a row mean that the knee is elsewhere.
const FAR_IN_A_ROW: u32 = 6;
/// Two levels between which less than this share waits may both be below the knee.
const FREE: f64 = 0.25;
/// A knee that is estimated from two windows of a hundred is off by an eighth: this is more than twice that.
const ELSEWHERE: f64 = 1.3;
/// A step of more than this part of the longest is a long one.
const FAR: f64 = 0.5;
/// Log-ratio of mean RTT above which a change is significant even in the shortest window.
const EASED: f64 = 0.4;
/// Of calls that began under the limit a few may have found it exceeded, as where shares are borrowed.
const OVERFULL: f64 = 1.25;
const TOUCHED: f64 = 0.02;
const SLACK: f64 = 0.8;
const TOO_MANY_DROPPED: f64 = 0.1;
/// As AIMD does, in Netflix's concurrency-limits.
const BACK_OFF: f64 = 0.9;
