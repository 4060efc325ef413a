use std::time::Duration;

use crate::ConfigError;

/// The rule that computes the limit, and the bounds of the limit.
///
/// | field | default | meaning |
/// |---|---|---|
/// | the rule | [`guarded`](Self::guarded) | how the limit is computed |
/// | [`initial`](Self::initial) | 20 | the first limit |
/// | [`min`](Self::min) | 2 | the lowest limit; the target of [`guarded`](Self::guarded) is at least one more, to compare with a lower one |
/// | [`max`](Self::max) | 10 000 | the highest limit |
///
/// The setters check nothing; a limit [checks](Self::check) the configuration when it is created.
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
    /// Returns [a fixed limit](Self::fixed).
    fn from(limit: u32) -> Self {
        Self::fixed(limit)
    }
}

impl LimitConfig {
    /// The highest limit that a configuration may have.
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

    /// Additive increase, multiplicative decrease: raises the limit by one per window, and lowers it by a tenth when
    /// calls end in overload or time out, or take longer than `timeout` on average.
    #[must_use]
    pub fn aimd(timeout: Duration) -> Self {
        Self::of(Algorithm::Aimd { timeout })
    }

    /// Estimates the queue from the lowest mean round trip time, like TCP Vegas.
    #[must_use]
    pub fn vegas() -> Self {
        Self::of(Algorithm::Vegas)
    }

    /// Compares the long-term mean round trip time with the recent one, like Netflix's Gradient2.
    #[must_use]
    pub fn gradient() -> Self {
        Self::of(Algorithm::Gradient)
    }

    /// Measures what a slightly lower limit does to round trip time and throughput. The default.
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

    /// The first limit, 20 by default.
    #[must_use]
    pub fn initial(mut self, limit: u32) -> Self {
        self.initial = limit;
        self
    }

    /// The lowest limit, 2 by default.
    #[must_use]
    pub fn min(mut self, limit: u32) -> Self {
        self.min = limit;
        self
    }

    /// The highest limit, 10 000 by default.
    #[must_use]
    pub fn max(mut self, limit: u32) -> Self {
        self.max = limit;
        self
    }

    /// Checks the configuration.
    ///
    /// # Errors
    ///
    /// The first field that is out of range, with its value and bound: a fixed limit of 0 or above [`MAX`](Self::MAX),
    /// a `min` of 0, a `max` below `min` or above [`MAX`](Self::MAX), an `initial` outside of `min` and `max`, a
    /// timeout of 0.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.is_fixed() && !(1..=Self::MAX).contains(&self.initial) {
            let bound = format!("from 1 to {}", Self::MAX);
            return Err(ConfigError::new("limit", self.initial, bound));
        }
        if self.min == 0 {
            // With 0, one failure could close the limit permanently: without calls there are no samples.
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

    /// The same configuration with a minimum one higher, so that a rule that compares with a lower limit always has
    /// one.
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
