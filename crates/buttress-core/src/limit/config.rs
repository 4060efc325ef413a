use std::time::Duration;

use crate::ConfigError;

/// Which rule finds the limit, and within which bounds.
///
/// | field | default | meaning |
/// |---|---|---|
/// | the rule | [`guarded`](Self::guarded) | how the limit is found |
/// | [`initial`](Self::initial) | 20 | where it begins |
/// | [`min`](Self::min) | 2 | it is never lower; [`guarded`](Self::guarded) aims at one more, to have one to compare with |
/// | [`max`](Self::max) | 10 000 | it is never higher |
///
/// Nothing is checked by the setters; a limit [checks](Self::check) the whole when it is made.
#[derive(Debug, Clone, PartialEq)]
pub struct LimitConfig {
    pub(super) algorithm: Algorithm,
    pub(super) initial: u32,
    pub(super) min: u32,
    pub(super) max: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Algorithm {
    Aimd { timeout: Duration },
    Fixed,
    Gradient,
    Adaptive,
    Vegas,
}

impl Default for LimitConfig {
    fn default() -> Self {
        Self::guarded()
    }
}

impl From<u32> for LimitConfig {
    /// [A fixed limit](Self::fixed).
    fn from(limit: u32) -> Self {
        Self::fixed(limit)
    }
}

impl LimitConfig {
    /// The highest limit.
    pub const MAX: u32 = 1_000_000;

    /// A fixed limit.
    #[must_use]
    pub fn fixed(limit: u32) -> Self {
        Self {
            initial: limit,
            min: limit,
            max: limit,
            ..Self::of(Algorithm::Fixed)
        }
    }

    /// One more while all is well, a tenth less when calls are rejected or take longer than `timeout` on average.
    #[must_use]
    pub fn aimd(timeout: Duration) -> Self {
        Self::of(Algorithm::Aimd { timeout })
    }

    /// By the queue that the lowest mean round trip lets one suspect, as TCP Vegas does.
    #[must_use]
    pub fn vegas() -> Self {
        Self::of(Algorithm::Vegas)
    }

    /// By the ratio of the long mean of round trips to the recent one, as Netflix's Gradient2 does.
    #[must_use]
    pub fn gradient() -> Self {
        Self::of(Algorithm::Gradient)
    }

    /// By what a slightly lower limit does to round trip and throughput.
    #[must_use]
    pub fn guarded() -> Self {
        Self::of(Algorithm::Adaptive)
    }

    fn of(algorithm: Algorithm) -> Self {
        Self {
            algorithm,
            initial: 20,
            min: 2,
            max: 10_000,
        }
    }

    /// Where the limit begins.
    #[must_use]
    pub fn initial(mut self, limit: u32) -> Self {
        self.initial = limit;
        self
    }

    /// The lowest limit.
    #[must_use]
    pub fn min(mut self, limit: u32) -> Self {
        self.min = limit;
        self
    }

    /// The highest limit.
    #[must_use]
    pub fn max(mut self, limit: u32) -> Self {
        self.max = limit;
        self
    }

    /// Rejects invalid values: the first field that is out of range, with its value and bound.
    ///
    /// # Errors
    ///
    /// `min` of 0, `max` below `min` or above [`MAX`](Self::MAX), `initial` outside of them, a timeout of 0.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.is_fixed() && !(1..=Self::MAX).contains(&self.initial) {
            let bound = format!("from 1 to {}", Self::MAX);
            return Err(ConfigError::new("limit", self.initial, bound));
        }
        if self.min == 0 {
            // One failure would then close it for good: nothing is learnt from calls that are not made.
            return Err(ConfigError::new("limit.min", self.min, "at least 1"));
        }
        if self.max < self.min || self.max > Self::MAX {
            let bound = format!("from {} (min) to {}", self.min, Self::MAX);
            return Err(ConfigError::new("limit.max", self.max, bound));
        }
        if !(self.min..=self.max).contains(&self.initial) {
            let bound = format!("from {} (min) to {} (max)", self.min, self.max);
            return Err(ConfigError::new("limit.initial", self.initial, bound));
        }
        match self.algorithm {
            Algorithm::Aimd { timeout } if timeout.is_zero() => {
                let value = format_args!("{timeout:?}");
                Err(ConfigError::new("limit.timeout", value, "above 0s"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn is_fixed(&self) -> bool {
        self.algorithm == Algorithm::Fixed
    }

    /// The same but one higher at the bottom: a rule that compares with a lower limit needs one, or it stays at the
    /// lowest for ever.
    pub(super) fn above_min(&self) -> Self {
        Self {
            min: (self.min + 1).min(self.max),
            ..self.clone()
        }
    }

    pub(super) fn clamp(&self, limit: f64) -> f64 {
        limit.clamp(self.min.into(), self.max.into())
    }
}
