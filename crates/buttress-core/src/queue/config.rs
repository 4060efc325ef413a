use std::time::Duration;

use super::ControlledDelay;
use crate::ConfigError;

/// The capacity of a queue, its order, and when a wait ends.
///
/// | field | default | meaning |
/// |---|---|---|
/// | [`capacity`](Self::capacity) | 128 | how many requests may wait |
/// | [`order`](Self::order) | [`Order::AdaptiveLifo`] | which waiter is served first |
/// | [`by_criticality`](Self::by_criticality) | yes | more critical calls go first |
/// | [`max_wait`](Self::max_wait) | none | the longest wait |
/// | [`margin`](Self::margin) | 0 | how long before its deadline a call must begin |
/// | [`controlled_delay`](Self::controlled_delay) | off | drops requests that waited long in a queue that does not drain |
///
/// The setters check nothing; [`WaitQueue::new`](super::WaitQueue::new) [checks](Self::check) the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueConfig {
    pub(crate) capacity: usize,
    pub(super) order: Order,
    pub(super) by_criticality: bool,
    pub(super) max_wait: Option<Duration>,
    pub(super) margin: Duration,
    pub(super) controlled_delay: Option<ControlledDelay>,
}

/// Which waiter of the same criticality is served first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The oldest waiter.
    Fifo,
    /// The newest waiter, which has the most time left. When the queue is full, the oldest is evicted.
    Lifo,
    /// The oldest waiter, until the queue is congested; from then on the newest, until it has drained. With
    /// [criticality](QueueConfig::by_criticality), each level is considered separately.
    ///
    /// The idea is from Maurer, *Fail at Scale*, ACM Queue 13(8), 2015. There a queue is congested when it has not been
    /// empty for 100 ms. Here it is when a request has waited for `congested_after`, or has expired, and it has drained
    /// when it was empty for an eighth of ten times that: a busy queue that keeps up is never empty for long either,
    /// and serving the newest first would delay the oldest without need.
    AdaptiveLifo {
        /// How long a request waits before the queue counts as congested.
        congested_after: Duration,
    },
}

impl Order {
    /// The adaptive order with a `congested_after` of 100 ms.
    pub const ADAPTIVE: Self = Self::AdaptiveLifo {
        congested_after: Duration::from_millis(100),
    };
}

impl Default for Order {
    fn default() -> Self {
        Self::ADAPTIVE
    }
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self {
            capacity: 128,
            order: Order::ADAPTIVE,
            by_criticality: true,
            max_wait: None,
            margin: Duration::ZERO,
            controlled_delay: None,
        }
    }
}

impl QueueConfig {
    /// The largest capacity. Each waiter takes about a hundred bytes, plus its request.
    pub const MAX_CAPACITY: usize = 1_000_000;

    /// The number of requests that may wait, 128 by default. With 0, none may.
    #[must_use]
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }

    /// Which waiter of the same criticality is served first.
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Whether more critical calls are served before all less critical ones, and replace them in a full queue.
    #[must_use]
    pub fn by_criticality(mut self, by_criticality: bool) -> Self {
        self.by_criticality = by_criticality;
        self
    }

    /// The longest wait. With `None`, the default, only deadlines end a wait.
    #[must_use]
    pub fn max_wait(mut self, max_wait: impl Into<Option<Duration>>) -> Self {
        self.max_wait = max_wait.into();
        self
    }

    /// The time before its deadline by which a call must begin: the time that nearly all calls take. A waiter with less
    /// time left is dropped.
    #[must_use]
    pub fn margin(mut self, margin: Duration) -> Self {
        self.margin = margin;
        self
    }

    /// Drops requests that waited long in a queue that does not drain. `None`, the default, does not.
    #[must_use]
    pub fn controlled_delay(mut self, rule: impl Into<Option<ControlledDelay>>) -> Self {
        self.controlled_delay = rule.into();
        self
    }

    /// Whether no request may wait.
    pub(crate) fn has_no_room(&self) -> bool {
        self.capacity == 0
    }

    /// Rejects invalid values.
    ///
    /// # Errors
    ///
    /// A capacity above [`MAX_CAPACITY`](Self::MAX_CAPACITY); a `max_wait` or `congested_after` of 0; a controlled
    /// delay with a target of 0, or with an interval no longer than its target.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.capacity > Self::MAX_CAPACITY {
            let bound = format!("at most {}", Self::MAX_CAPACITY);
            return Err(ConfigError::new("capacity", self.capacity, bound));
        }
        if self.max_wait == Some(Duration::ZERO) {
            return Err(ConfigError::new("max_wait", "0s", "above 0s"));
        }
        if let Order::AdaptiveLifo {
            congested_after: Duration::ZERO,
        } = self.order
        {
            return Err(ConfigError::new("congested_after", "0s", "above 0s"));
        }
        self.controlled_delay.map_or(Ok(()), |rule| rule.check())
    }
}
