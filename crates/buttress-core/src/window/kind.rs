use std::fmt;
use std::time::Duration;

use super::BUCKETS;
use crate::ConfigError;

/// The kind and length of a sliding window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// The last calls, up to this number.
    Count(u32),
    /// The calls of a time span, in sixteen buckets aligned to multiples of their length.
    Time(Duration),
}

impl Window {
    /// The largest count window. It is bounded because failures are stored individually.
    pub const MAX_COUNT: u32 = 1_000_000;
    /// The shortest time window: 100 ms.
    pub const MIN_TIME: Duration = Duration::from_millis(100);
    /// The longest time window: 24 hours.
    pub const MAX_TIME: Duration = Duration::from_secs(24 * 60 * 60);

    /// Checks the length of the window.
    ///
    /// # Errors
    ///
    /// A count of 0 or above [`MAX_COUNT`](Self::MAX_COUNT), a time below [`MIN_TIME`](Self::MIN_TIME) or above
    /// [`MAX_TIME`](Self::MAX_TIME). The error names `field`.
    pub fn check(self, field: &'static str) -> Result<(), ConfigError> {
        let bound = match self {
            Self::Count(1..=Self::MAX_COUNT) => return Ok(()),
            Self::Time(time) if (Self::MIN_TIME..=Self::MAX_TIME).contains(&time) => return Ok(()),
            Self::Count(_) => format!("from 1 to {} calls", Self::MAX_COUNT),
            Self::Time(_) => format!("from {:?} to {:?}", Self::MIN_TIME, Self::MAX_TIME),
        };
        Err(ConfigError::new(field, self, bound))
    }

    /// The length of a bucket in nanoseconds. A count window is one endless bucket, so that both kinds find a bucket by
    /// the same division.
    pub(super) fn bucket_nanos(self) -> u64 {
        match self {
            Self::Count(_) => u64::MAX,
            // Rounded up, so that sixteen buckets are never shorter than the configured window.
            Self::Time(time) => crate::time::nanos(time).div_ceil(BUCKETS as u64).max(1),
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(calls) => write!(f, "{calls} calls"),
            Self::Time(time) => write!(f, "{time:?}"),
        }
    }
}
