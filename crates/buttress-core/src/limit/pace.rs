use super::window::Window;

/// How many samples a window needs at least.
///
/// A service that has lost most of its capacity takes much longer to answer as many calls, and the limit would notice
/// late that the capacity is back. So while throughput is low, windows have fewer calls.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Calls a second in the last window.
    last: f64,
    /// The highest recent value of it.
    highest: f64,
}

impl Pace {
    pub(super) fn on_window(&mut self, window: &Window) {
        self.highest = (self.highest * KEEP).max(window.throughput);
        // If fewer calls are made, fewer end. That says nothing about the service.
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

/// A mean over fewer varies by more than a tenth if times vary exponentially, and one over more comes late.
const LEAST: u64 = 100;
/// A mean over these varies by a fifth: enough to see that calls take a fifth of the time.
const FEW: u64 = 25;
/// A search may halve throughput for a window, and the highest of many windows is above the mean.
const SLOWER: f64 = 1.0 / 3.0;
/// Half is forgotten after some 70 windows: a service that stays slow is measured as any other.
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
