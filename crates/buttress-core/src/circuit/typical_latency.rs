// Plain atomics also in loom's models: no order depends on this statistic.
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The latency of answered calls, to the head of the response, that few calls exceed: a call that ends by a deadline
/// counts as a timeout if it took at least this long.
///
/// An exponential average that rises faster than it falls, of sampled calls: the first success of each thread in each
/// tick of the window, and every call that crosses the end of a tick. It is far above the mean if a few routes are slow,
/// so that their hasty callers are not counted against the service, and costs other calls nothing.
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
            _ if took > before => before + (took - before) / RISE,
            _ => before - (before - took) / FALL,
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

/// The share of a difference that one call adds, and subtracts: with 5 % of calls in a slow route, the average is about
/// half of their latency. Chosen by the table "circuit: a hasty caller" of the simulations.
const RISE: u64 = 4;
const FALL: u64 = 64;
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
