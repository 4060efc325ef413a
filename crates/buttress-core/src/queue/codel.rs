use std::time::{Duration, Instant};

use crate::ConfigError;

/// Drops requests that waited too long, when a queue does not drain.
///
/// A queue is overloaded if, over a whole interval, even the shortest wait exceeded the target. In the interval after
/// that, a request that waited for more than twice the target is dropped when its turn comes. A queue that was empty
/// has drained: it is no longer overloaded, and the next delay begins a new interval.
///
/// This is the form of Facebook's wangle and folly (`Codel.cpp`), described by Maurer, *Fail at Scale*, ACM Queue
/// 13(8), 2015, from Nichols and Jacobson's CoDel (RFC 8289). It differs from the RFC, which drops one at a time at a
/// growing rate, and so never catches up with callers that do not slow down. It is meant for queues that serve the
/// oldest first: if the newest is served first, its wait is always short.
///
/// | field | default |
/// |---|---|
/// | [`target`](Self::target) | 5 ms |
/// | [`interval`](Self::interval) | 100 ms |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlledDelay {
    target: Duration,
    interval: Duration,
}

impl Default for ControlledDelay {
    fn default() -> Self {
        Self {
            target: Duration::from_millis(5),
            interval: Duration::from_millis(100),
        }
    }
}

impl ControlledDelay {
    /// The longest acceptable wait in a queue that drains, 5 ms by default.
    #[must_use]
    pub fn target(mut self, target: Duration) -> Self {
        self.target = target;
        self
    }

    /// How long every wait must exceed the target before requests are dropped, 100 ms by default.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.target.is_zero() {
            return Err(ConfigError::new(
                "controlled_delay.target",
                "0s",
                "above 0s",
            ));
        }
        if self.interval <= self.target {
            let bound = format!("above {:?}, the target", self.target);
            return Err(ConfigError::new(
                "controlled_delay.interval",
                format!("{:?}", self.interval),
                bound,
            ));
        }
        Ok(())
    }
}

/// The state of the rule for one queue.
#[derive(Debug, Default)]
pub(super) struct Delays {
    /// The current interval, from the first delay in it.
    ends: Option<Instant>,
    shortest: Duration,
    overloaded: bool,
}

impl Delays {
    /// Records that the queue is empty.
    pub(super) fn drained(&mut self) {
        *self = Self::default();
    }

    /// Records a delay, and returns whether the request is dropped for it.
    pub(super) fn is_too_long(
        &mut self,
        rule: ControlledDelay,
        delay: Duration,
        now: Instant,
    ) -> bool {
        match self.ends {
            Some(ends) if now <= ends => self.shortest = self.shortest.min(delay),
            ended => {
                self.overloaded = ended.is_some() && self.shortest > rule.target;
                self.ends = now.checked_add(rule.interval);
                self.shortest = delay;
            }
        }
        self.overloaded && delay > rule.target.saturating_mul(2)
    }
}
