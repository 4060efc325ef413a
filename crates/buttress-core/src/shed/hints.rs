use std::time::Duration;

use crate::sync::{AtomicU64, Ordering};
use crate::time::nanos;

/// The rate at which calls end, from which the `Retry-After` is computed.
#[derive(Debug, Default)]
pub(super) struct Hints {
    /// The mean time between two calls that end while there is no slot, in nanoseconds; 0 while unknown.
    each: AtomicU64,
    /// The mean latency of answered calls, in nanoseconds; 0 while unknown.
    rtt: AtomicU64,
}

impl Hints {
    pub(super) fn learn(&self, each: Duration, rtt: Option<Duration>) {
        self.each.store(nanos(each).max(1), Ordering::Relaxed);
        if let Some(rtt) = rtt {
            self.rtt.store(nanos(rtt).max(1), Ordering::Relaxed);
        }
    }

    /// The mean latency of answered calls; zero while unknown.
    fn typical_latency(&self) -> Duration {
        Duration::from_nanos(self.rtt.load(Ordering::Relaxed))
    }

    /// The time a caller must have allowed a call for its timeout to count.
    pub(super) fn allowance(&self) -> Duration {
        match self.typical_latency() {
            Duration::ZERO => UNKNOWN,
            latency => latency,
        }
    }

    /// The time a call must have taken for the end of its deadline to count as a timeout of the service. While it is
    /// not known how long calls take, no call counts.
    pub(super) fn timeout_threshold(&self) -> Duration {
        match self.typical_latency() {
            Duration::ZERO => Duration::MAX,
            latency => latency.saturating_mul(LATE),
        }
    }

    /// The time until this many waiters have been admitted, with [jitter](spread).
    pub(super) fn retry_after(&self, waiting: u64, random: u64) -> Option<Duration> {
        let each = self.each.load(Ordering::Relaxed);
        let drain = each.saturating_mul(waiting + 1).min(LONGEST);
        (each != 0).then(|| spread(drain, random))
    }
}

/// Adds jitter of up to max(delay, 1 s), so that rejected clients do not retry at the same time.
///
/// A `Retry-After` has whole seconds: with less than one second of jitter, all clients would retry in the same second.
pub(super) fn spread(nanos: u64, random: u64) -> Duration {
    let spread = nanos.max(SECOND);
    // The number also decides for which calls a mode enforces, so only low ones may get here. After this, the upper
    // half of a product of 64 bits each: uniform below `spread`.
    let random = random.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let jitter = ((u128::from(random) * u128::from(spread)) >> 64) as u64;
    Duration::from_nanos(nanos.saturating_add(jitter))
}

/// Of exponential times, one in twenty is longer than this multiple of their mean: half of the ratio of failures at
/// which the default limit is lowered.
const LATE: u32 = 3;
/// The allowance while it is not known how long calls take, or where there is no limit that measures it.
const UNKNOWN: Duration = Duration::from_millis(100);
const SECOND: u64 = 1_000_000_000;
/// The longest `Retry-After`, before jitter: 30 seconds.
const LONGEST: u64 = 30 * SECOND;

#[cfg(all(test, not(buttress_loom)))]
mod tests {
    use super::*;

    #[test]
    fn it_is_as_long_as_the_queue_takes_and_spread_over_as_much() {
        let hints = Hints::default();
        assert_eq!(hints.retry_after(10, 0), None);
        hints.learn(Duration::from_millis(200), None);
        let seconds = Duration::from_secs;
        assert_eq!(hints.retry_after(9, 0), Some(seconds(2)));
        assert_eq!(hints.retry_after(9, 1 << 63), Some(seconds(3)));
        assert!(hints.retry_after(9, u64::MAX) <= Some(seconds(4)));
        assert_eq!(hints.retry_after(u64::MAX - 1, 0), Some(seconds(30)));
    }

    #[test]
    fn a_short_queue_still_spreads_retries() {
        let hints = Hints::default();
        hints.learn(Duration::ZERO, None);
        let later = (0..1_000).filter(|i| {
            let random = u64::MAX / 1_000 * i;
            hints.retry_after(0, random) > Some(Duration::from_millis(500))
        });
        assert!((490..510).contains(&later.count()));
    }
}
