use std::time::Duration;

use super::LimitConfig;
use super::window::Window;

/// Additive increase, multiplicative decrease (Chiu and Jain, 1989), once per window and not once per call, so that a
/// burst of failures lowers the limit only once.
///
/// ```text
/// dropped, or rtt > timeout:  limit × 0.9, but not below what is in use
/// 2 × in flight ≥ limit:      limit + 1
/// ```
#[derive(Debug)]
pub(super) struct Aimd {
    pub(super) limit: f64,
    timeout: f64,
}

impl Aimd {
    pub(super) fn new(limit: f64, timeout: Duration) -> Self {
        Self {
            limit,
            timeout: timeout.as_secs_f64(),
        }
    }

    pub(super) fn on_window(&mut self, window: &Window, config: &LimitConfig) {
        let next = if window.dropped > 0.0 || window.rtt > self.timeout {
            window.back_off(self.limit, 0.9).floor()
        } else if 2.0 * window.in_flight >= self.limit {
            self.limit + 1.0
        } else {
            self.limit
        };
        self.limit = config.clamp(next);
    }
}
