use std::time::{Duration, Instant};

use super::Shed;
use crate::bulkhead::BulkheadSnapshot;
use crate::limit::LimitSnapshot;
use crate::sync::lock;
use crate::{Criticality, Mode, ThrottleSnapshot};

/// A snapshot of a shedder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShedSnapshot {
    /// The limit.
    pub limit: LimitSnapshot,
    /// The number of calls in flight, or admitted and about to be woken: more than the limit after it was lowered, and
    /// where rejections are not enforced.
    pub in_flight: u64,
    /// The number of waiters.
    pub queued: usize,
    /// How long the oldest waiter has waited.
    pub oldest_wait: Option<Duration>,
    /// Whether the queue is [congested](crate::queue::WaitQueue::is_congested_at).
    pub congested: bool,
    /// How long before its deadline a call must begin.
    pub margin: Duration,
    /// The counts of the throttle, if there is one.
    pub throttle: Option<ThrottleSnapshot>,
    /// The minimum criticality that is admitted, under memory or processor pressure.
    pub least: Criticality,
    /// Whether rejections are enforced.
    pub mode: Mode,
}

impl Shed {
    /// A snapshot. Reading it changes no state.
    pub fn snapshot(&self, now: Instant) -> ShedSnapshot {
        let BulkheadSnapshot {
            in_flight,
            queued,
            oldest_wait,
            congested,
            ..
        } = self.gate.snapshot(now);
        let locked = lock(&self.locked);
        ShedSnapshot {
            limit: self.limit.snapshot(),
            in_flight,
            queued,
            oldest_wait,
            congested,
            margin: locked.config.margin.unwrap_or(locked.margin),
            throttle: locked.config.throttle.map(|_| self.throttle.snapshot(now)),
            least: self.least(),
            mode: locked.config.mode,
        }
    }
}
