use std::time::Duration;

use buttress_core::ConfigError;
use buttress_core::circuit::BreakerConfig;

/// The configuration of [`Breakers`](crate::Breakers).
///
/// | field | default | meaning |
/// |---|---|---|
/// | [`breaker`](Self::breaker) | [`BreakerConfig::default`] | the configuration of each breaker |
/// | [`capacity`](Self::capacity) | 1024 | the maximum number of keys |
/// | [`idle_after`](Self::idle_after) | 10 min | a closed breaker unused for this time is removed when another is created |
#[derive(Debug, Clone, PartialEq)]
pub struct BreakersConfig {
    pub(super) breaker: BreakerConfig,
    pub(super) capacity: usize,
    pub(super) idle_after: Duration,
}

impl Default for BreakersConfig {
    fn default() -> Self {
        Self {
            breaker: BreakerConfig::default(),
            capacity: 1024,
            idle_after: Duration::from_secs(600),
        }
    }
}

impl BreakersConfig {
    /// The maximum of [`capacity`](Self::capacity): each key takes a few kilobytes.
    pub const MAX_CAPACITY: usize = 1_000_000;

    /// Sets the configuration of each breaker.
    #[must_use]
    pub fn breaker(mut self, breaker: BreakerConfig) -> Self {
        self.breaker = breaker;
        self
    }

    /// Sets the maximum number of keys. The default is 1024.
    #[must_use]
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }

    /// Sets after what time without a call a closed breaker is removed, when another is created. All breakers are
    /// scanned at most four times in that time. The default is 10 min.
    #[must_use]
    pub fn idle_after(mut self, idle_after: Duration) -> Self {
        self.idle_after = idle_after;
        self
    }

    /// Rejects invalid values.
    ///
    /// # Errors
    ///
    /// A capacity of 0 or above [`MAX_CAPACITY`](Self::MAX_CAPACITY), an `idle_after` of 0, and what
    /// [`BreakerConfig::check`] rejects.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !(1..=Self::MAX_CAPACITY).contains(&self.capacity) {
            let bound = format!("from 1 to {}", Self::MAX_CAPACITY);
            return Err(ConfigError::new("capacity", self.capacity, bound));
        }
        if self.idle_after.is_zero() {
            return Err(ConfigError::new("idle_after", "0s", "above 0s"));
        }
        self.breaker.check()
    }
}
