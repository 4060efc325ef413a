// Plain atomics also in loom's models: this is a statistic that nothing is ordered by.
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long answered calls usually take to the head of their answer: the patience for calls that end by a deadline.
///
/// An exponential average over the calls that are looked at more closely than others: the first success of each thread
/// in each tick of the window, and those that take longer than a tick. So it leans towards long calls, and costs other
/// calls nothing.
#[derive(Debug, Default)]
pub(super) struct TypicalLatency {
    /// In nanoseconds; 0 while no call was answered.
    nanos: AtomicU64,
}

impl TypicalLatency {
    pub(super) fn learn(&self, took: u64) {
        let before = self.nanos.load(Ordering::Relaxed);
        let after = match before {
            0 => took,
            _ => before - before / CALLS + took / CALLS,
        };
        // Of two threads at once one is not recorded, which an average tolerates.
        self.nanos.store(after.max(1), Ordering::Relaxed);
    }

    pub(super) fn patience(&self) -> Duration {
        match self.nanos.load(Ordering::Relaxed) {
            0 => UNKNOWN,
            nanos => Duration::from_nanos(nanos),
        }
    }
}

/// The number of calls in the average, about.
const CALLS: u64 = 16;
/// While no call was ever answered, a deadline must have left this much time for its end to count.
const UNKNOWN: Duration = Duration::from_millis(100);

#[cfg(all(test, not(buttress_loom)))]
mod tests {
    use super::*;

    #[test]
    fn it_follows_what_calls_take() {
        let latency = TypicalLatency::default();
        assert_eq!(latency.patience(), UNKNOWN);
        latency.learn(8_000);
        assert_eq!(latency.patience(), Duration::from_micros(8));
        for _ in 0..200 {
            latency.learn(2_000_000);
        }
        let off = latency.patience().abs_diff(Duration::from_millis(2));
        assert!(off < Duration::from_micros(20), "{off:?}");
    }
}
