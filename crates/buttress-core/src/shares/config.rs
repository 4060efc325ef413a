use std::time::Duration;

use crate::{ConfigError, Criticality, Ratio};

/// How much of a limit each criticality has for certain, however much is asked by those that matter more.
///
/// What nobody has for certain, and what is not asked for, goes to what matters most.
///
/// | field | default | meaning |
/// |---|---|---|
/// | [`share`](Self::share) of `Critical` | 10 % | kept whatever the others ask |
/// | [`share`](Self::share) of `High` | 50 % | kept against a flood of what says it is critical |
/// | [`share`](Self::share) of `Medium` | 10 % | kept, so that it is degraded and not gone |
/// | [`share`](Self::share) of `Low` | 0 | lives on what is lent |
/// | [`memory`](Self::memory) | 1 s | how long a refusal keeps places free for others like it |
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

    /// How much of the limit a criticality has for certain, rounded down to whole places.
    #[must_use]
    pub fn share(mut self, criticality: Criticality, share: Ratio) -> Self {
        self.shares[criticality.index()] = share;
        self
    }

    /// How long a call that was turned away keeps a place free for others like it. Calls that wait in a queue keep
    /// theirs while they wait, and need no memory.
    #[must_use]
    pub fn memory(mut self, memory: Duration) -> Self {
        self.memory = memory;
        self
    }

    /// Refuses what cannot work.
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

    /// How many of so many places a criticality has for certain.
    pub(super) fn places(&self, criticality: Criticality, limit: u64) -> u64 {
        places(parts(self.shares[criticality.index()]), limit)
    }
}

/// How many of so many places a share in such [parts] comes to, rounded down.
pub(super) fn places(share: u64, limit: u64) -> u64 {
    let whole = || (u128::from(limit) * u128::from(share) / u128::from(WHOLE)) as u64;
    // Limits are small enough, and no 128 bits need be divided.
    let product = limit.checked_mul(share);
    product.map_or_else(whole, |product| product / WHOLE)
}

/// A share in hundred-millionths, in which the places of all never come to more than the limit, and three times a
/// third plus a rounding error to no more than the whole.
pub(super) fn parts(share: Ratio) -> u64 {
    (share.get() * WHOLE as f64).round() as u64
}

/// The whole, in those parts.
pub(super) const WHOLE: u64 = 100_000_000;
