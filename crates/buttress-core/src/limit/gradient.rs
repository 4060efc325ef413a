use super::LimitConfig;
use super::window::Window;

/// Gradient2 of Netflix's concurrency-limits, applied to windows.
///
/// ```text
/// long = mean of the first 10 windows, then an average over 600;  if long > 2 × rtt: long × 0.95
/// in flight < limit / 2: unchanged
/// gradient = 1.5 × long / rtt, within 0.5 … 1
/// limit = 0.8 × limit + 0.2 × (gradient × limit + 4, or + 0 where the gradient is below 1)
/// ```
///
/// Differences from the original: room to grow is added only where the gradient is 1, because otherwise the limit
/// creeps upwards in a mild overload (issue 134). Windows with timeouts count as a gradient of 0.5, because the limit
/// also creeps upwards when every call takes as long as its timeout (issue 137).
#[derive(Debug)]
pub(super) struct Gradient {
    pub(super) limit: f64,
    long: f64,
    windows: f64,
}

impl Gradient {
    pub(super) fn new(limit: f64) -> Self {
        Self {
            limit,
            long: 0.0,
            windows: 0.0,
        }
    }

    pub(super) fn on_window(&mut self, window: &Window, config: &LimitConfig) {
        self.windows += 1.0;
        let weight = if self.windows <= WARM_UP {
            1.0 / self.windows
        } else {
            2.0 / (LONG + 1.0)
        };
        self.long += (window.rtt - self.long) * weight;
        if self.long > 2.0 * window.rtt {
            self.long *= 0.95;
        }
        if window.in_flight < self.limit / 2.0 {
            return;
        }
        let gradient = if window.dropped > 0.0 {
            0.5
        } else {
            (TOLERANCE * self.long / window.rtt).clamp(0.5, 1.0)
        };
        let room = if gradient < 1.0 { 0.0 } else { ROOM };
        let next = gradient * self.limit + room;
        let next = self.limit + SMOOTHING * (next - self.limit);
        // Overload responses do not lower the limit below what is in use.
        let least = if window.dropped > 0.0 {
            window.back_off(self.limit, 0.0)
        } else {
            0.0
        };
        self.limit = config.clamp(next.max(least));
    }
}

const WARM_UP: f64 = 10.0;
const LONG: f64 = 600.0;
const TOLERANCE: f64 = 1.5;
const ROOM: f64 = 4.0;
const SMOOTHING: f64 = 0.2;
