use super::LimitConfig;
use super::window::Window;

/// TCP Vegas (Brakmo and Peterson, 1995) applied to calls, with the steps of Netflix's concurrency-limits. Works on
/// windows: the fastest single call is an outlier, and compared with it every other call looks queued.
///
/// ```text
/// queue = ⌈limit × (1 − lowest / rtt)⌉      log = max(1, ⌊log10 limit⌋)   alpha = 3 log   beta = 6 log
/// dropped: limit − log, but not below what is in use      2 × in flight < limit: unchanged
/// queue ≤ log: + beta      queue < alpha: + log      queue > beta: − log
/// ```
///
/// The lowest mean is reset after a number of windows, so that it can follow a slower service. That also lets it drift.
#[derive(Debug)]
pub(super) struct Vegas {
    pub(super) limit: f64,
    lowest: Option<f64>,
    age: f64,
}

impl Vegas {
    pub(super) fn new(limit: f64) -> Self {
        Self {
            limit,
            lowest: None,
            age: 0.0,
        }
    }

    pub(super) fn on_window(&mut self, window: &Window, config: &LimitConfig) {
        self.age += 1.0;
        if self.age > RENEW * self.limit {
            self.age = 0.0;
            self.lowest = Some(window.rtt);
            return;
        }
        let lowest = match self.lowest {
            Some(lowest) if lowest <= window.rtt => lowest,
            _ => {
                self.lowest = Some(window.rtt);
                return;
            }
        };
        let log = self.limit.log10().floor().max(1.0);
        let next = if window.dropped > 0.0 {
            window.back_off(self.limit, 1.0 - log / self.limit)
        } else if 2.0 * window.in_flight < self.limit {
            return;
        } else {
            match (self.limit * (1.0 - lowest / window.rtt)).ceil() {
                queue if queue <= log => self.limit + 6.0 * log,
                queue if queue < 3.0 * log => self.limit + log,
                queue if queue > 6.0 * log => self.limit - log,
                _ => self.limit,
            }
        };
        self.limit = config.clamp(next);
    }
}

/// The lowest mean is reset after this many windows for each call in flight.
const RENEW: f64 = 30.0;
