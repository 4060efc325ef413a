use std::time::{Duration, Instant};

use super::Shed;
use crate::bulkhead::BulkheadSnapshot;
use crate::limit::LimitSnapshot;
use crate::sync::lock;
use crate::{Criticality, Mode, ThrottleSnapshot};

/// What a shedder looked like at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShedSnapshot {
    /// Its limit.
    pub limit: LimitSnapshot,
    /// How many calls are under way, or were let in and are about to hear it: more than the limit after it was lowered,
    /// and where refusals do not bind.
    pub in_flight: u64,
    /// How many wait.
    pub queued: usize,
    /// For how long the one who has waited longest has done so.
    pub oldest_wait: Option<Duration>,
    /// Whether the queue [stands](crate::queue::WaitQueue::stands_at).
    pub queue_stands: bool,
    /// How long before its deadline a call must begin.
    pub margin: Duration,
    /// What the throttle counted, if there is one.
    pub throttle: Option<ThrottleSnapshot>,
    /// What has to matter at least as much, for want of memory or processor time.
    pub least: Criticality,
    /// Whether refusals bind.
    pub mode: Mode,
}

impl Shed {
    /// What it looks like now. Nothing moves because somebody looks.
    pub fn snapshot(&self, now: Instant) -> ShedSnapshot {
        let BulkheadSnapshot {
            in_flight,
            queued,
            oldest_wait,
            queue_stands,
            ..
        } = self.gate.snapshot(now);
        let locked = lock(&self.locked);
        ShedSnapshot {
            limit: self.limit.snapshot(),
            in_flight,
            queued,
            oldest_wait,
            queue_stands,
            margin: locked.config.margin.unwrap_or(locked.margin),
            throttle: locked.config.throttle.map(|_| self.throttle.snapshot(now)),
            least: self.least(),
            mode: locked.config.mode,
        }
    }
}
