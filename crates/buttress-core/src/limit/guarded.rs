use super::LimitConfig;
use super::slope::{Level, Point, Slopes};
use super::usual::Usual;
use super::window::Window;

/// The default: looks for the knee by what a lower limit changes.
///
/// Most windows are at the limit it aims at, and now and then one is somewhat below. If in the lower ones the round
/// trip is as long and the throughput lower, the service had no queue, and more may be let in. If it is shorter and
/// the throughput the same, the queue was worth nothing. The step aims at a slope of the round trip between the two,
/// which is where a power of throughput over round trip is greatest (Giessler and others, 1978; Kleinrock, 1979).
///
/// There is no baseline that could be learnt in a bad hour or grow old. A mix of slower calls is as slow at both
/// levels. Windows in which the limit was not reached are not compared: there the load made the number in flight,
/// and long calls make many.
///
/// When it begins, and when round trips change by more than they usually do, it *searches*: wider apart, in turns,
/// and with large steps. Else it is *settled* and gives up little to look.
#[derive(Debug)]
pub(super) struct Guarded {
    aim: f64,
    pace: &'static Pace,
    /// How many windows since the last low one; the low one is the last of a cycle.
    position: u32,
    /// How often of late the limit was reached. Without an overload there is no low window: it would make one.
    reached: u32,
    before: Level,
    low: Option<Point>,
    after: Level,
    slopes: Slopes,
    rising: Option<bool>,
    turns: u32,
    /// How many comparisons there were at this pace.
    compared: u32,
    /// How many steps in a row were long.
    far: u32,
    usual: Usual,
}

/// How boldly it goes.
#[derive(Debug)]
struct Pace {
    searching: bool,
    /// The low limit as a share of the other.
    low: f64,
    /// How many pairs it remembers.
    memory: f64,
    /// The slope it aims at.
    aim: f64,
    /// The longest step, as a logarithm.
    step: f64,
}

impl Guarded {
    pub(super) fn new(limit: f64) -> Self {
        Self {
            aim: limit,
            pace: &SEARCHING,
            position: 0,
            reached: 0,
            before: Level::default(),
            low: None,
            after: Level::default(),
            slopes: Slopes::default(),
            rising: None,
            turns: 0,
            compared: 0,
            far: 0,
            usual: Usual::default(),
        }
    }

    pub(super) fn aim(&self) -> f64 {
        self.aim
    }

    pub(super) fn now(&self) -> f64 {
        if self.is_low() {
            // At least one below, or nothing could be seen at small limits.
            (self.aim * self.pace.low).min(self.aim - 1.0)
        } else {
            self.aim
        }
    }

    pub(super) fn is_searching(&self) -> bool {
        self.pace.searching
    }

    /// Enough for every place to be taken some times over, so that most of a window's calls began in it.
    pub(super) fn window(limit: u64) -> u64 {
        limit.saturating_mul(4).clamp(LEAST, MOST)
    }

    pub(super) fn on_window(&mut self, window: &Window, config: &LimitConfig) {
        if window.dropped >= TOO_MANY_DROPPED {
            if 2.0 * window.in_flight >= self.now() {
                self.aim = config.clamp(self.aim * BACK_OFF);
            }
            self.search();
            return;
        }
        let point = Point::of(window);
        let surprised = self.usual.is_surprised_by(point.rtt);
        if window.at_limit < REACHED {
            self.reached = self.reached.saturating_sub(2);
            self.make_room(window, config);
            return;
        }
        if surprised {
            self.search();
        }
        if self.is_low() {
            self.low = Some(point);
            self.position = 0;
        } else {
            match self.low {
                None => self.before.add(point),
                Some(_) => self.after.add(point),
            }
            self.position += 1;
        }
        self.reached = (self.reached + 1).min(2 * OVERLOADED);
        if self.is_low() {
            self.compare(config);
        }
    }

    fn is_low(&self) -> bool {
        self.position + 1 >= self.cycle() && self.reached >= OVERLOADED
    }

    /// A limit just settled on is looked at more often than one that has stood for long. So is a low one, where a
    /// dip costs few calls, and those for a window take long to come.
    fn cycle(&self) -> u32 {
        let longest = (self.aim as u32).saturating_add(2).clamp(8, 24);
        let cycle = self.compared.saturating_mul(2).saturating_add(4);
        if self.is_searching() {
            2
        } else {
            cycle.min(longest)
        }
    }

    /// The load alone says how many are under way, and bursts touch the limit: it may be somewhat above them.
    fn make_room(&mut self, window: &Window, config: &LimitConfig) {
        if window.at_limit > TOUCHED && window.in_flight < SLACK * self.aim && !self.usual.is_slow()
        {
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
        self.slopes
            .add(before.between(after), low, self.pace.memory);
        self.before = std::mem::take(&mut self.after);
        self.low = None;

        self.compared = self.compared.saturating_add(1);

        let aim = self.pace.aim;
        let (rtt, lag) = self.slopes.queueing(aim);
        // Up only if both sides speak for it, and down likewise.
        let up = ((aim - rtt.max(lag)) / aim).clamp(0.0, 1.0);
        let down = ((rtt.min(lag) - aim) / (1.0 - aim)).clamp(0.0, 1.0);
        let up = if self.usual.is_slow() { 0.0 } else { up };
        let step = self.pace.step * (up - down);
        self.aim = config.clamp(self.aim * step.exp());
        if self.is_searching() {
            self.end_search(up - down);
        } else {
            self.far = if up > FAR || down == 1.0 {
                self.far + 1
            } else {
                0
            };
            if up > FAR {
                // Capacity lies idle while this is found out.
                self.compared = 0;
            }
            if self.far == FAR_IN_A_ROW {
                self.search();
            }
        }
    }

    /// A search is over when it has turned around twice.
    fn end_search(&mut self, step: f64) {
        if step == 0.0 {
            return;
        }
        let rising = step > 0.0;
        if self.rising.is_some_and(|before| before != rising) {
            self.turns += 1;
        }
        self.rising = Some(rising);
        if self.turns >= 2 {
            self.go(&SETTLED);
        }
    }

    fn search(&mut self) {
        self.rising = None;
        self.turns = 0;
        self.go(&SEARCHING);
    }

    fn go(&mut self, pace: &'static Pace) {
        self.pace = pace;
        self.compared = 0;
        self.far = 0;
        self.slopes = Slopes::default();
        self.position = 0;
        self.before = Level::default();
        self.low = None;
        self.after = Level::default();
    }
}

static SEARCHING: Pace = Pace {
    searching: true,
    low: 0.77,
    memory: 4.0,
    aim: 0.5,
    step: 0.07,
};

/// With twenty workers whose times vary exponentially, a slope of 0.7 over such a difference is at a limit of 22: a
/// tenth of queue, so that a worker that becomes free finds work.
static SETTLED: Pace = Pace {
    searching: false,
    low: 0.85,
    memory: 12.0,
    aim: 0.7,
    step: 0.01,
};

/// A mean over fewer says little, and one over more comes late.
const LEAST: u64 = 50;
const MOST: u64 = 100_000;
/// Windows in which at least this share of calls found the limit reached are shaped by it.
const REACHED: f64 = 0.5;
/// After so many of them, less some that were not, there is an overload.
const OVERLOADED: u32 = 4;
/// So many long steps in a row mean that the knee is elsewhere.
const FAR_IN_A_ROW: u32 = 6;
const FAR: f64 = 0.6;
const TOUCHED: f64 = 0.02;
const SLACK: f64 = 0.8;
const TOO_MANY_DROPPED: f64 = 0.1;
const BACK_OFF: f64 = 0.9;
