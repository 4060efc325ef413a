use std::time::{Duration, Instant};

use super::{Bulkhead, Locked};
use crate::Mode;
use crate::queue::WaitQueue;
use crate::shares::PartitionSnapshot;

/// A snapshot of a bulkhead.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkheadSnapshot {
    /// The number of calls that may be in flight.
    pub limit: u32,
    /// The number of calls in flight that are counted: more than the limit after it was lowered, and where rejections
    /// are not enforced.
    pub in_flight: u64,
    /// The number of waiters.
    pub queued: usize,
    /// How long the oldest waiter has waited.
    pub oldest_wait: Option<Duration>,
    /// Whether the queue is [congested](crate::queue::WaitQueue::is_congested_at).
    pub congested: bool,
    /// Whether rejections are enforced.
    pub mode: Mode,
    /// The partitions, if there are any. The first is the rest, which is in no named partition.
    pub partitions: Vec<PartitionSnapshot>,
}

impl Bulkhead {
    /// The number of calls in flight, where they are counted.
    pub fn in_flight(&self) -> u64 {
        self.in_flight_of(&self.lock())
    }

    fn in_flight_of(&self, locked: &Locked) -> u64 {
        let free = locked.free + self.tokens.count() as i64;
        u64::try_from(i64::from(locked.config.limit) - free).unwrap_or(0)
    }

    /// A snapshot.
    pub fn snapshot(&self, now: Instant) -> BulkheadSnapshot {
        let locked = self.lock();
        BulkheadSnapshot {
            limit: locked.config.limit,
            in_flight: self.in_flight_of(&locked),
            queued: locked.lines().map(WaitQueue::len).sum(),
            oldest_wait: locked
                .lines()
                .filter_map(|line| line.oldest_wait(now))
                .max(),
            congested: locked.lines().any(|line| line.is_congested_at(now)),
            mode: locked.config.mode,
            partitions: locked.partition_snapshots(),
        }
    }
}
