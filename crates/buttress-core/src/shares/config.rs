use std::time::Duration;

use crate::{ConfigError, Criticality, Ratio};

/// The guaranteed share of a limit for each criticality, whatever the load of more critical calls.
///
/// What is not guaranteed, and what is not used, goes to the most critical calls.
///
/// | field | default | meaning |
/// |---|---|---|
/// | [`share`](Self::share) of `Critical` | 10 % | kept whatever the others ask |
/// | [`share`](Self::share) of `High` | 50 % | kept against a flood of what says it is critical |
/// | [`share`](Self::share) of `Medium` | 10 % | kept, so that it is degraded and not gone |
/// | [`share`](Self::share) of `Low` | 0 | uses only what is lent |
/// | [`memory`](Self::memory) | 1 s | how long a rejection keeps slots free for others like it |
///
/// Nothing is checked by the setters; [`Shares`](super::Shares) [checks](Self::check) the whole when it is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SharesConfig {
    /// By [`Criticality::index`].
    shares: [Ratio; Criticality::COUNT],
    pub(super) memory: Duration,
}

impl Default for SharesConfig {
    fn default() -> Self {
        Self {
            shares: [0, 10, 50, 10].map(Ratio::percent),
            memory: Duration::from_secs(1),
        }
    }
}

impl SharesConfig {
    /// The shortest memory.
    pub const MIN_MEMORY: Duration = Duration::from_millis(10);
    /// The longest memory.
    pub const MAX_MEMORY: Duration = Duration::from_secs(60);

    /// The guaranteed share of a criticality, rounded down to whole slots.
    #[must_use]
    pub fn share(mut self, criticality: Criticality, share: Ratio) -> Self {
        self.shares[criticality.index()] = share;
        self
    }

    /// How long a rejected call reserves a slot for others of its criticality. Calls that wait in a queue have one
    /// reserved while they wait, without this time.
    #[must_use]
    pub fn memory(mut self, memory: Duration) -> Self {
        self.memory = memory;
        self
    }

    /// Rejects invalid values.
    ///
    /// # Errors
    ///
    /// Shares that come to more than the whole, or all to nothing; a memory outside of
    /// [`MIN_MEMORY`](Self::MIN_MEMORY) and [`MAX_MEMORY`](Self::MAX_MEMORY).
    pub fn check(&self) -> Result<(), ConfigError> {
        let sum: u64 = self.shares.iter().map(|&share| parts(share)).sum();
        if sum == 0 || sum > WHOLE {
            let value = format_args!("{}% in all", sum as f64 / (WHOLE / 100) as f64);
            return Err(ConfigError::new(
                "shares",
                value,
                "above 0% and at most 100%",
            ));
        }
        if !(Self::MIN_MEMORY..=Self::MAX_MEMORY).contains(&self.memory) {
            let bound = format!("from {:?} to {:?}", Self::MIN_MEMORY, Self::MAX_MEMORY);
            let value = format_args!("{:?}", self.memory);
            return Err(ConfigError::new("shares.memory", value, bound));
        }
        Ok(())
    }

    /// The guaranteed slots of a criticality, of a limit.
    pub(super) fn places(&self, criticality: Criticality, limit: u64) -> u64 {
        places(parts(self.shares[criticality.index()]), limit)
    }
}

/// The slots in a limit for a share in [parts], rounded down.
pub(super) fn places(share: u64, limit: u64) -> u64 {
    let whole = || (u128::from(limit) * u128::from(share) / u128::from(WHOLE)) as u64;
    // Limits are small enough, and no 128 bits need be divided.
    let product = limit.checked_mul(share);
    product.map_or_else(whole, |product| product / WHOLE)
}

/// A share in hundred-millionths, in which the slots of all never come to more than the limit, and three times a
/// third plus a rounding error to no more than the whole.
pub(super) fn parts(share: Ratio) -> u64 {
    (share.get() * WHOLE as f64).round() as u64
}

/// The whole, in those parts.
pub(super) const WHOLE: u64 = 100_000_000;
