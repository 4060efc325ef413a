use super::regression::{Level, Regression, WindowStats};

/// The settled phase of the adaptive rule: compares windows at the target limit with lower ones in between, and
/// computes how far to move the limit.
#[derive(Debug, Default)]
pub(super) struct Steps {
    /// The number of windows since the last low one; a low window ends a cycle.
    position: u32,
    before: Level,
    low: Option<WindowStats>,
    after: Level,
    slopes: Regression,
    /// The number of comparisons since the last search.
    compared: u32,
    /// The number of consecutive long steps.
    far: u32,
}

/// The result of a comparison.
#[derive(Debug)]
pub(super) struct Compared {
    /// The factor by which the limit is multiplied.
    pub(super) times: f64,
    /// The level at the limit and the lower one, if no calls may be queued at either.
    pub(super) free: Option<(WindowStats, WindowStats)>,
}

impl Steps {
    /// Whether the next window is a low one.
    pub(super) fn is_low_due(&self, aim: f64) -> bool {
        self.position + 1 >= self.cycle(aim)
    }

    /// The number of windows in a cycle. Cycles are shorter just after a search, and at low limits, where a lower
    /// window costs few calls and a window takes long to fill.
    fn cycle(&self, aim: f64) -> u32 {
        let longest = ((2.0 * aim) as u32).clamp(8, 48);
        let cycle = self.compared.saturating_mul(2).saturating_add(4);
        cycle.min(longest)
    }

    /// Records a window at the limit. Returns whether calls took much less time than before at this limit.
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

    /// Records a low window.
    pub(super) fn add_low(&mut self, point: WindowStats) {
        self.low = Some(point);
        self.position = 0;
    }

    /// Compares the low window with the windows around it. Returns `None` if one is missing.
    pub(super) fn compare(&mut self, may_rise: bool) -> Option<Compared> {
        let (before, low, after) = (self.before.mean()?, self.low?, self.after.mean()?);
        let high = before.between(after);
        self.slopes.add(high, low, MEMORY);
        self.before = std::mem::take(&mut self.after);
        self.low = None;

        self.compared = self.compared.saturating_add(1);

        let (rtt, lag) = self.slopes.queueing(AIM);
        // Up only if both measures agree, and down likewise.
        let up = ((AIM - rtt.max(lag)) / AIM).clamp(0.0, 1.0);
        let down = ((rtt.min(lag) - AIM) / (1.0 - AIM)).clamp(0.0, 1.0);
        let up = if may_rise { up } else { 0.0 };
        let longest = (FIRST_STEP / f64::from(self.compared)).clamp(STEP.0, STEP.1);
        let step = longest * (up - down);
        if up > FAR {
            // Capacity is unused until the limit has risen, so steps become long again.
            self.compared = 0;
        }
        self.far = if down > FAR { self.far + 1 } else { 0 };
        if self.far == FAR_IN_A_ROW {
            // The earlier measurements are out of date.
            self.forget();
        }
        // At the minimum limit there is no lower level to compare with.
        let is_free = high
            .queueing_above(low)
            .is_none_or(|(rtt, lag)| rtt.max(lag) < FREE);
        Some(Compared {
            times: step.exp(),
            free: (is_free && may_rise).then_some((high, low)),
        })
    }

    /// The limit has moved far: all measurements are discarded.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// The limit returned to its earlier value: the regression still holds.
    pub(super) fn resume(&mut self) {
        self.far = 0;
        self.begin_cycle();
    }

    /// Discards the windows of the current cycle.
    pub(super) fn begin_cycle(&mut self) {
        self.position = 0;
        self.before = Level::default();
        self.low = None;
        self.after = Level::default();
    }
}

// Tuned in `tests/simulations`, like the values in `adaptive.rs`.

/// The number of pairs of levels in the regression.
const MEMORY: f64 = 12.0;
/// The target slope, at which the power of throughput over round trip time is greatest.
const AIM: f64 = 0.5;
/// The bounds of the longest step: finally and at first, as a logarithm.
const STEP: (f64, f64) = (0.01, 0.07);
/// The longest step is this divided by the number of comparisons, within those bounds.
const FIRST_STEP: f64 = 0.1;
/// After this many consecutive long steps, the knee has moved.
const FAR_IN_A_ROW: u32 = 6;
/// A step of more than this share of the longest is a long one.
const FAR: f64 = 0.5;
/// If less than this share of the added calls queues, both levels may be below the knee.
const FREE: f64 = 0.25;
/// Log-ratio of mean RTT above which a change is significant even in the shortest window.
const EASED: f64 = 0.4;
