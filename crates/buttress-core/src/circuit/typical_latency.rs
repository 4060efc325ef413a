// Plain atomics also in loom's models: no order depends on this statistic.
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The typical latency of answered calls, to the head of the response: a call that ends by a deadline counts as a
/// timeout if it took at least this long.
///
/// An exponential average of sampled calls: the first success of each thread in each tick of the window, and every call
/// that takes longer than a tick. It overestimates the mean, and costs other calls nothing.
#[derive(Debug, Default)]
pub(super) struct TypicalLatency {
    /// In nanoseconds; 0 until a call has been answered.
    nanos: AtomicU64,
}

impl TypicalLatency {
    pub(super) fn learn(&self, took: u64) {
        let before = self.nanos.load(Ordering::Relaxed);
        let after = match before {
            0 => took,
            _ => before - before / CALLS + took / CALLS,
        };
        // If two threads record at once, one value is lost, which an average tolerates.
        self.nanos.store(after.max(1), Ordering::Relaxed);
    }

    pub(super) fn threshold(&self) -> Duration {
        match self.nanos.load(Ordering::Relaxed) {
            0 => UNKNOWN,
            nanos => Duration::from_nanos(nanos),
        }
    }
}

/// The approximate number of calls in the average.
const CALLS: u64 = 16;
/// The threshold until a call has been answered.
const UNKNOWN: Duration = Duration::from_millis(100);

#[cfg(all(test, not(buttress_loom)))]
mod tests {
    use super::*;

    #[test]
    fn it_follows_what_calls_take() {
        let latency = TypicalLatency::default();
        assert_eq!(latency.threshold(), UNKNOWN);
        latency.learn(8_000);
        assert_eq!(latency.threshold(), Duration::from_micros(8));
        for _ in 0..200 {
            latency.learn(2_000_000);
        }
        let off = latency.threshold().abs_diff(Duration::from_millis(2));
        assert!(off < Duration::from_micros(20), "{off:?}");
    }
}
