use super::window::Window;

/// Computes the minimum number of samples in a window.
///
/// A service that has lost most of its capacity takes much longer to fill a window, so the limit would be late to
/// follow a recovery. While throughput is low, windows therefore have fewer calls.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Calls per second in the last window.
    last: f64,
    /// The highest recent throughput, in calls per second.
    highest: f64,
}

impl Pace {
    pub(super) fn on_window(&mut self, window: &Window) {
        self.highest = (self.highest * KEEP).max(window.throughput);
        // With a lower load fewer calls end, so this throughput does not measure the capacity.
        self.last = if window.is_reached() {
            window.throughput
        } else {
            self.highest
        };
    }

    pub(super) fn least(&self) -> u64 {
        if self.last < SLOWER * self.highest {
            let least = LEAST as f64 * self.last / self.highest;
            (least as u64).clamp(FEW, LEAST)
        } else {
            LEAST
        }
    }
}

// `SLOWER` and `KEEP` are from `tests/simulations`: `shed: the end of a brown-out` is the better for them, and the other
// tables keep their bounds.

/// A mean over fewer varies by more than a tenth for exponentially distributed times, and one over more is late.
const LEAST: u64 = 100;
/// A mean over this many varies by a fifth: enough to detect calls that take a fifth of the time.
const FEW: u64 = 25;
/// Below this share of the highest throughput, windows are smaller. A search may halve the throughput of a window, and
/// the highest of many windows is above their mean.
const SLOWER: f64 = 1.0 / 3.0;
/// The highest value halves in about 70 windows: a service that stays slow then gets windows of the usual size.
const KEEP: f64 = 0.99;

#[cfg(all(test, not(buttress_loom)))]
mod tests {
    use super::*;
    use crate::limit::window::Sums;

    fn window(throughput: f64, at_limit: f64) -> Window {
        Window {
            throughput,
            at_limit,
            ..Sums::default().over(1, 1)
        }
    }

    #[test]
    fn windows_get_smaller_only_where_a_reached_limit_has_lost_most_of_its_throughput() {
        for (throughput, at_limit, least) in [
            (600.0, 1.0, LEAST),
            (199.0, 1.0, 33),
            (30.0, 1.0, FEW),
            (30.0, 0.0, LEAST),
        ] {
            let mut pace = Pace::default();
            assert_eq!(pace.least(), LEAST, "new");
            pace.on_window(&window(606.1, 0.0));
            pace.on_window(&window(throughput, at_limit));
            let diff = pace.least().abs_diff(least);
            assert!(diff <= 1, "{throughput}: {} and {least}", pace.least());
        }
    }

    #[test]
    fn what_was_faster_long_ago_is_forgotten() {
        let mut pace = Pace::default();
        pace.on_window(&window(1000.0, 0.0));
        for _ in 0..5_000 {
            pace.on_window(&window(100.0, 1.0));
        }
        assert_eq!(pace.least(), LEAST);
    }
}
