use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use buttress_core::{LatencyQuantiles, Ratio, Upload};
use buttress_shell::now;

/// The latency of successful attempts, to decide whether another attempt can end in time.
#[derive(Default)]
pub(crate) struct Usual {
    /// Created with the first call that has a deadline; not needed before.
    latencies: OnceLock<Option<LatencyQuantiles>>,
    /// The last result, and when it expires.
    known: Mutex<Option<(Duration, Instant)>>,
}

impl Usual {
    /// Records the latency of a successful attempt, without the time spent waiting for the caller.
    pub(crate) fn observe(&self, started: Instant, upload: Option<&Upload>) {
        let now = now();
        let took = match upload {
            Some(upload) => upload.latency(started, now),
            None => Some(now.saturating_duration_since(started)),
        };
        let latencies = self
            .latencies
            .get_or_init(|| LatencyQuantiles::new(WINDOW, now).ok());
        if let (Some(latencies), Some(took)) = (latencies, took) {
            latencies.record(took, now);
        }
    }

    /// Returns the 95th percentile, or zero if there are no samples. It is recomputed at intervals.
    pub(crate) fn get(&self, now: Instant) -> Duration {
        let Some(Some(latencies)) = self.latencies.get() else {
            return Duration::ZERO;
        };
        // Protects the last result. Only failed calls with a deadline lock it.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match *known {
            Some((usual, until)) if now < until => usual,
            _ => {
                let usual = latencies.quantile(Ratio::percent(95), now);
                let usual = usual.unwrap_or_default();
                *known = Some((usual, now + WINDOW / 100));
                usual
            }
        }
    }
}

impl fmt::Debug for Usual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Usual").finish_non_exhaustive()
    }
}

const WINDOW: Duration = Duration::from_secs(30);
