//! When to start a second attempt of a call, while the first is still in flight.
//!
//! The user configures how much extra load is allowed, and the delay follows: where 5 % is allowed, it is the time that
//! 95 % of the calls take at most, so that only the slowest 5 % are hedged. It holds for calls that were hedged too:
//! they took longer than the delay whichever attempt won, so hedging does not move the quantile it waits for.
//!
//! When all calls become slow at once, all of them exceed a delay that was measured before. So every second attempt
//! also draws on a [`Budget`] of the same ratio with a deposit per success, and the allowed ratio holds then as well.
//! That the delay is a quantile and the share has its own budget is Finagle's `BackupRequestFilter`; that there must be
//! enough calls first is failsafe-go's hedge policy.

mod rank;
mod rule;

use std::time::{Duration, Instant};

pub use rank::HedgeRank;
pub use rule::HedgeRule;

use crate::budget::{Budget, BudgetConfig, BudgetRefusal, Cost, Reservation};
use crate::sync::{AtomicU64, Mutex, Ordering, lock};
use crate::time::{Origin, nanos};
use crate::{ConfigError, LatencyQuantiles, Ratio};

/// The delay before a second attempt, measured from the latency of calls.
///
/// Recording a call takes no lock, and reading the delay is two reads. 64 times in a window, one of the readers
/// computes the delay anew, and the others do not wait for it.
///
/// ```
/// use std::time::{Duration, Instant};
/// use buttress_core::hedge::{HedgeDelay, HedgeRule};
/// use buttress_core::Ratio;
///
/// # fn main() -> Result<(), buttress_core::ConfigError> {
/// let mut now = Instant::now();
/// let hedge = HedgeDelay::new(HedgeRule::default().extra(Ratio::percent(10)), now)?;
/// assert_eq!(hedge.delay(now), None);
///
/// for call in 0..1_000 {
///     now += Duration::from_millis(1);
///     hedge.record(Duration::from_millis(1 + call % 100), true, now);
/// }
/// let delay = hedge.delay(now).expect("calls enough");
/// assert!((90..=93).contains(&delay.as_millis()), "{delay:?}");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct HedgeDelay {
    origin: Origin,
    latencies: LatencyQuantiles,
    share: Budget,
    /// In nanoseconds, or [`NO_DELAY`].
    delay: AtomicU64,
    /// When the delay is next computed, in nanoseconds.
    stale_at: AtomicU64,
    /// Read only to work out the delay.
    rule: Mutex<HedgeRule>,
}

const NO_DELAY: u64 = u64::MAX;
/// How often the delay is computed in a window.
const REFRESHES: u32 = 64;

impl HedgeDelay {
    /// A delay without samples yet, whose clock starts `now`.
    ///
    /// # Errors
    ///
    /// What [`HedgeRule::check`] rejects.
    pub fn new(rule: HedgeRule, now: Instant) -> Result<Self, ConfigError> {
        rule.check()?;
        Ok(Self {
            origin: Origin::new(now),
            latencies: LatencyQuantiles::new(rule.window, now)?,
            share: Budget::new(share_of(&rule), now)?,
            delay: AtomicU64::new(NO_DELAY),
            stale_at: AtomicU64::new(0),
            rule: Mutex::new(rule),
        })
    }

    /// The delay before the second attempt of a call that begins `now`; `None` while too few calls were recorded.
    #[inline]
    pub fn delay(&self, now: Instant) -> Option<Duration> {
        let at = self.origin.nanos_at(now);
        let stale_at = self.stale_at.load(Ordering::Relaxed);
        if at >= stale_at {
            self.refresh(at, stale_at, now);
        }
        let delay = self.delay.load(Ordering::Relaxed);
        (delay != NO_DELAY).then(|| Duration::from_nanos(delay))
    }

    /// Records a call that ended: its total latency, hedged or not, and whether it succeeded. Record failed calls as
    /// well: otherwise, if every tenth call times out, every tenth call is hedged, whatever ratio is allowed.
    #[inline]
    pub fn record(&self, latency: Duration, succeeded: bool, now: Instant) {
        // All of them were made at one instant, and so count from the same.
        let at = self.origin.nanos_at(now);
        self.latencies.record_at(latency, at);
        if succeeded {
            self.share.deposit_at(at);
        }
    }

    /// Reserves a second attempt from the allowed ratio, after the delay.
    ///
    /// # Errors
    ///
    /// The share is spent.
    pub fn reserve(&self, now: Instant) -> Result<Reservation, BudgetRefusal> {
        self.share.reserve(Cost::ONE, now)
    }

    /// Refunds a reservation for an attempt that was not made.
    pub fn refund(&self, reservation: Reservation, now: Instant) {
        self.share.refund(reservation, now);
    }

    /// Ends a second attempt that was made.
    pub fn finish(&self, reservation: Reservation) {
        self.share.finish(reservation);
    }

    /// Takes another rule, and keeps the measurements, unless the window changes.
    ///
    /// # Errors
    ///
    /// What [`HedgeRule::check`] rejects; then nothing changes.
    pub fn reconfigure(&self, rule: HedgeRule, now: Instant) -> Result<(), ConfigError> {
        rule.check()?;
        let mut current = lock(&self.rule);
        self.share.reconfigure(share_of(&rule), now)?;
        if current.window != rule.window {
            self.latencies.restart(rule.window);
        }
        *current = rule;
        self.stale_at.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// Computes the delay, unless another thread does.
    #[cold]
    fn refresh(&self, at: u64, stale_at: u64, now: Instant) {
        let taken = |next| {
            self.stale_at
                .compare_exchange(stale_at, next, Ordering::Relaxed, Ordering::Relaxed)
        };
        if taken(u64::MAX).is_err() {
            return;
        }
        let rule = lock(&self.rule);
        let next = at.saturating_add(nanos(rule.window / REFRESHES));
        self.stale_at.store(next, Ordering::Relaxed);
        let calls = self.latencies.histogram(now);
        let slowest = Ratio::new(1.0 - rule.extra.get()).unwrap_or(Ratio::ONE);
        let delay = if calls.calls() < u64::from(rule.minimum_calls) {
            None
        } else {
            calls.quantile(slowest)
        };
        let delay = delay.map_or(NO_DELAY, |delay| {
            let most = rule.max_delay.unwrap_or(HedgeRule::MAX_DELAY);
            nanos(delay.clamp(rule.min_delay, most))
        });
        self.delay.store(delay, Ordering::Relaxed);
    }
}

/// The allowed share as a budget.
fn share_of(rule: &HedgeRule) -> BudgetConfig {
    BudgetConfig::default()
        .ratio(rule.extra.get())
        .floor_ratio(0.0)
        .in_flight_share(None)
}
