use super::regression::{Level, Regression, WindowStats};

/// The settled part of the guarded rule: compares windows at the limit with lower ones between them, and says how far to
/// move.
#[derive(Debug, Default)]
pub(super) struct Steps {
    /// How many windows since the last low one; the low one is the last of a cycle.
    position: u32,
    before: Level,
    low: Option<WindowStats>,
    after: Level,
    slopes: Regression,
    /// How many comparisons there were since the search.
    compared: u32,
    /// How many steps in a row were long.
    far: u32,
}

/// What a comparison leads to.
#[derive(Debug)]
pub(super) struct Compared {
    /// The limit is to be this many times what it is.
    pub(super) times: f64,
    /// The level at the limit and the lower one, if there may be no queue at either.
    pub(super) free: Option<(WindowStats, WindowStats)>,
}

impl Steps {
    /// Whether the next window is to be a low one.
    pub(super) fn is_low_due(&self, aim: f64) -> bool {
        self.position + 1 >= self.cycle(aim)
    }

    /// A limit just settled on is looked at more often than one that has stood for long. So is a low one, where a
    /// dip costs few calls, and those for a window take long to come.
    fn cycle(&self, aim: f64) -> u32 {
        let longest = ((2.0 * aim) as u32).clamp(8, 48);
        let cycle = self.compared.saturating_mul(2).saturating_add(4);
        cycle.min(longest)
    }

    /// Takes in a window at the limit. Returns whether calls took much less time than at that limit before.
    pub(super) fn add_high(&mut self, point: WindowStats) -> bool {
        let level = match self.low {
            None => &mut self.before,
            Some(_) => &mut self.after,
        };
        let eased = level
            .mean()
            .is_some_and(|mean| mean.rtt - point.rtt > EASED);
        level.add(point);
        self.position += 1;
        eased
    }

    /// Takes in a low window.
    pub(super) fn add_low(&mut self, point: WindowStats) {
        self.low = Some(point);
        self.position = 0;
    }

    /// What the low window and those around it lead to, if all are there.
    pub(super) fn compare(&mut self, may_rise: bool) -> Option<Compared> {
        let (before, low, after) = (self.before.mean()?, self.low?, self.after.mean()?);
        let high = before.between(after);
        self.slopes.add(high, low, MEMORY);
        self.before = std::mem::take(&mut self.after);
        self.low = None;

        self.compared = self.compared.saturating_add(1);

        let (rtt, lag) = self.slopes.queueing(AIM);
        // Up only if both sides agree, and down likewise.
        let up = ((AIM - rtt.max(lag)) / AIM).clamp(0.0, 1.0);
        let down = ((rtt.min(lag) - AIM) / (1.0 - AIM)).clamp(0.0, 1.0);
        let up = if may_rise { up } else { 0.0 };
        let longest = (FIRST_STEP / f64::from(self.compared)).clamp(STEP.0, STEP.1);
        let step = longest * (up - down);
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
        Some(Compared {
            times: step.exp(),
            free: (is_free && may_rise).then_some((high, low)),
        })
    }

    /// The limit is elsewhere: nothing that was learnt holds.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// The limit is where it was, after it was elsewhere.
    pub(super) fn resume(&mut self) {
        self.far = 0;
        self.begin_cycle();
    }

    /// What was seen of this cycle is not about the next windows.
    pub(super) fn begin_cycle(&mut self) {
        self.position = 0;
        self.before = Level::default();
        self.low = None;
        self.after = Level::default();
    }
}

// From `tests/simulations`, as the numbers of the guarded rule.

/// How many pairs of levels are remembered.
const MEMORY: f64 = 12.0;
/// The slope it aims at, at which the power of throughput over round trip is greatest.
const AIM: f64 = 0.5;
/// The longest step, in the end and at first, as a logarithm.
const STEP: (f64, f64) = (0.01, 0.07);
/// This over the number of steps taken is the longest in between.
const FIRST_STEP: f64 = 0.1;
/// This many long steps in a row mean that the knee is elsewhere.
const FAR_IN_A_ROW: u32 = 6;
/// A step of more than this part of the longest is a long one.
const FAR: f64 = 0.5;
/// Two levels between which less than this share waits may both be below the knee.
const FREE: f64 = 0.25;
/// Log-ratio of mean RTT above which a change is significant even in the shortest window.
const EASED: f64 = 0.4;
