use std::f64::consts::LN_2;

/// Tracks the usual round trip time of windows and its variation, as logarithms, to detect unexpected changes.
#[derive(Debug, Default)]
pub(super) struct RttTracker {
    windows: f64,
    mean: f64,
    /// The mean squared deviation of a window.
    spread: f64,
    lately: f64,
    long: f64,
}

impl RttTracker {
    /// Records a window. Returns whether the last few deviate by more than chance explains.
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

        // The standard deviation of an exponential average over 4 is √(1 / 7) of that of its terms.
        let chance = 4.0 * (self.spread / 7.0).sqrt();
        let surprised = self.windows > 16.0 && (self.lately - self.mean).abs() > chance.max(LEAST);
        if surprised {
            self.mean = self.lately;
        }
        surprised
    }

    /// Whether calls take more than twice as long as the long-term mean. The limit must not rise then, even if the
    /// throughput would: calls that all end by their timeout look like that.
    pub(super) fn is_slow(&self) -> bool {
        self.lately - self.long > LN_2
    }

    /// Whether a window takes more than twice the long-term mean.
    pub(super) fn is_slow_window(&self, rtt: f64) -> bool {
        self.windows > 0.0 && rtt - self.long > LN_2
    }
}

/// Deviations of less than a third are not anomalous.
const LEAST: f64 = 0.29;
