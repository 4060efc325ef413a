use super::Sample;
use super::window::Window;

/// The means of a window as logarithms, so that differences are relative changes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct WindowStats {
    in_flight: f64,
    pub(super) rtt: f64,
    throughput: f64,
}

impl WindowStats {
    pub(super) fn of(window: &Window) -> Self {
        Self {
            in_flight: window.in_flight.ln(),
            rtt: window.rtt.ln(),
            throughput: window.throughput.ln(),
        }
    }

    /// The round trip time of a single call, in the unit of [`WindowStats::rtt`].
    pub(super) fn rtt_of(sample: &Sample) -> f64 {
        sample.rtt.as_secs_f64().max(LEAST).ln()
    }

    /// The number of calls in flight.
    pub(super) fn calls(self) -> f64 {
        self.in_flight.exp()
    }

    /// Moves a fraction of the way towards another one.
    pub(super) fn go_toward(&mut self, point: Self, part: f64) {
        self.in_flight += (point.in_flight - self.in_flight) * part;
        self.rtt += (point.rtt - self.rtt) * part;
        self.throughput += (point.throughput - self.throughput) * part;
    }

    /// The share of the calls added since the lower level that queue, by two measures: the growth of the round trip
    /// time, and the part that the throughput did not grow by. `None` for levels that are the same, as at a bound of
    /// the limit.
    pub(super) fn queueing_above(self, low: Self) -> Option<(f64, f64)> {
        let x = self.in_flight - low.in_flight;
        let lag = x - (self.throughput - low.throughput);
        (x > SAME).then(|| ((self.rtt - low.rtt) / x, lag / x))
    }

    /// The number of calls in flight here that are not queued, if none are at the lower level, by Little's law.
    pub(super) fn knee_above(self, low: Self) -> f64 {
        (self.in_flight - (self.rtt - low.rtt).max(0.0)).exp()
    }

    pub(super) fn between(self, other: Self) -> Self {
        let middle = |a: f64, b: f64| f64::midpoint(a, b);
        Self {
            in_flight: middle(self.in_flight, other.in_flight),
            rtt: middle(self.rtt, other.rtt),
            throughput: middle(self.throughput, other.throughput),
        }
    }
}

/// The mean of the windows at one level.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Level {
    mean: WindowStats,
    windows: f64,
}

impl Level {
    pub(super) fn add(&mut self, point: WindowStats) {
        self.windows += 1.0;
        let toward = |mean: &mut f64, value: f64| *mean += (value - *mean) / self.windows;
        toward(&mut self.mean.in_flight, point.in_flight);
        toward(&mut self.mean.rtt, point.rtt);
        toward(&mut self.mean.throughput, point.throughput);
    }

    pub(super) fn mean(&self) -> Option<WindowStats> {
        (self.windows > 0.0).then_some(self.mean)
    }
}

/// The slopes of round trip time and throughput over the number of calls in flight, by a regression on differences with
/// exponential decay.
///
/// A service below its knee has slopes 0 and 1; one above it has 1 and 0. Differences of neighbouring windows cancel
/// changes that are independent of the limit, such as a different mix of calls.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Regression {
    xx: f64,
    xr: f64,
    xt: f64,
}

impl Regression {
    pub(super) fn add(&mut self, high: WindowStats, low: WindowStats, memory: f64) {
        let keep = 1.0 - 1.0 / memory;
        let x = high.in_flight - low.in_flight;
        self.xx = self.xx * keep + x * x;
        self.xr = self.xr * keep + x * (high.rtt - low.rtt);
        self.xt = self.xt * keep + x * (high.throughput - low.throughput);
    }

    /// The growth of the round trip time, and the share of the growth in calls that the throughput does not follow. If
    /// calls queue nowhere else, both are the same number by Little's law. With few measurements, both are near
    /// `unknown`.
    pub(super) fn queueing(&self, unknown: f64) -> (f64, f64) {
        let weight = self.xx + PRIOR;
        let rtt = (self.xr + PRIOR * unknown) / weight;
        let lag = (self.xx - self.xt + PRIOR * unknown) / weight;
        (rtt, lag)
    }
}

/// One nanosecond, because the logarithm of 0 is not finite.
const LEAST: f64 = 1e-9;
/// Levels less than a twentieth apart count as the same.
const SAME: f64 = 0.05;

/// The weight of `unknown`: that of one pair of levels a tenth apart.
const PRIOR: f64 = 0.01;
