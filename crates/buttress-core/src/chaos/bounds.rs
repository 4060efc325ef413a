use std::time::Duration;

use crate::{ConfigError, Ratio};

/// The bounds of a plan, which apply to all of its faults together.
///
/// | field | default | meaning |
/// |---|---|---|
/// | [`max_active`](Self::max_active) | 100 | calls affected at one time |
/// | [`blast_radius`](Self::blast_radius) | 100 % | share of all calls since arming that are affected |
/// | [`start_delay`](Self::start_delay) | 0 s | time from arming to the first fault |
/// | [`ttl`](Self::ttl) | 10 min | time from arming to the end of all faults |
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    pub(super) max_active: u32,
    pub(super) blast_radius: Ratio,
    pub(super) start_delay: Duration,
    pub(super) ttl: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            max_active: 100,
            blast_radius: Ratio::ONE,
            start_delay: Duration::ZERO,
            ttl: Duration::from_secs(600),
        }
    }
}

impl Bounds {
    /// The longest time that a plan may stay armed: 7 days.
    pub const MAX_TTL: Duration = Duration::from_secs(7 * 24 * 60 * 60);

    /// The maximum number of calls affected at one time, 100 by default. The bound is exact. A call is affected until
    /// its body has ended.
    #[must_use]
    pub fn max_active(mut self, calls: u32) -> Self {
        self.max_active = calls;
        self
    }

    /// The maximum share of the calls since arming that are affected, 100 % by default. The bound holds at every
    /// moment.
    #[must_use]
    pub fn blast_radius(mut self, share: Ratio) -> Self {
        self.blast_radius = share;
        self
    }

    /// The time after arming before faults begin, 0 by default. It leaves time to measure the steady state first.
    #[must_use]
    pub fn start_delay(mut self, time: Duration) -> Self {
        self.start_delay = time;
        self
    }

    /// The time after arming at which the plan ends, 10 minutes by default.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.max_active == 0 {
            return Err(ConfigError::new("max_active", 0, "at least 1"));
        }
        if self.ttl.is_zero() || self.ttl > Self::MAX_TTL {
            let bound = format!("above 0 s and at most {:?}", Self::MAX_TTL);
            return Err(ConfigError::new(
                "ttl",
                format_args!("{:?}", self.ttl),
                bound,
            ));
        }
        if self.start_delay >= self.ttl {
            let bound = format!("below ttl, {:?}", self.ttl);
            let value = format_args!("{:?}", self.start_delay);
            return Err(ConfigError::new("start_delay", value, bound));
        }
        Ok(())
    }
}
