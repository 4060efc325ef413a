use std::f64::consts::LN_2;

/// What the round trips of windows usually are, to know a surprise. In logarithms, so that all is relative.
#[derive(Debug, Default)]
pub(super) struct RttTracker {
    windows: f64,
    mean: f64,
    /// The mean square of how far a window is off.
    spread: f64,
    lately: f64,
    long: f64,
}

impl RttTracker {
    /// Takes in a window, and says whether the last few are off by more than chance explains.
    pub(super) fn is_anomalous(&mut self, rtt: f64) -> bool {
        self.windows += 1.0;
        if self.windows == 1.0 {
            (self.mean, self.lately, self.long) = (rtt, rtt, rtt);
            return false;
        }
        let weight = |memory: f64| 1.0 / self.windows.min(memory);
        let off = rtt - self.mean;
        let (usually, lately, long) = (weight(64.0), weight(4.0), weight(600.0));
        self.spread += (off * off - self.spread) * usually;
        self.mean += off * usually;
        self.lately += (rtt - self.lately) * lately;
        self.long += (rtt - self.long) * long;

        // An exponential average over 4 varies by √(1 / 7) of what its terms do.
        let chance = 4.0 * (self.spread / 7.0).sqrt();
        let surprised = self.windows > 16.0 && (self.lately - self.mean).abs() > chance.max(LEAST);
        if surprised {
            self.mean = self.lately;
        }
        surprised
    }

    /// Whether calls take more than twice as long as in the long run. More of them is then no answer, even where
    /// throughput would follow: so look calls that all end by their timeout.
    pub(super) fn is_slow(&self) -> bool {
        self.lately - self.long > LN_2
    }

    /// Whether a window is as slow as that.
    pub(super) fn is_slow_window(&self, rtt: f64) -> bool {
        self.windows > 0.0 && rtt - self.long > LN_2
    }
}

/// What is off by less than a third is no surprise.
const LEAST: f64 = 0.29;
