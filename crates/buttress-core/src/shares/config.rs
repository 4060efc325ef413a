use std::time::Duration;

use crate::{ConfigError, Criticality, Ratio};

/// The guaranteed share of a limit for each criticality, which holds whatever the load of more critical calls.
///
/// Slots that are not guaranteed or not used go to the most critical calls.
///
/// | field | default | meaning |
/// |---|---|---|
/// | [`share`](Self::share) of `Critical` | 10 % | guaranteed to the most critical calls |
/// | [`share`](Self::share) of `High` | 50 % | guaranteed whatever the load of calls that declare themselves critical |
/// | [`share`](Self::share) of `Medium` | 10 % | guaranteed, so that these calls are degraded and not all rejected |
/// | [`share`](Self::share) of `Low` | 0 | only borrowed slots |
/// | [`reservation_ttl`](Self::reservation_ttl) | 1 s | how long a rejected call reserves a slot for its criticality |
///
/// The setters check nothing; [`Shares::new`](super::Shares::new) [checks](Self::check) the configuration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SharesConfig {
    /// By [`Criticality::index`].
    shares: [Ratio; Criticality::COUNT],
    pub(super) reservation_ttl: Duration,
}

impl Default for SharesConfig {
    fn default() -> Self {
        Self {
            shares: [0, 10, 50, 10].map(Ratio::percent),
            reservation_ttl: Duration::from_secs(1),
        }
    }
}

impl SharesConfig {
    /// The shortest [`reservation_ttl`](Self::reservation_ttl).
    pub const MIN_RESERVATION_TTL: Duration = Duration::from_millis(10);
    /// The longest [`reservation_ttl`](Self::reservation_ttl).
    pub const MAX_RESERVATION_TTL: Duration = Duration::from_secs(60);

    /// The guaranteed share of a criticality, rounded down to whole slots.
    #[must_use]
    pub fn share(mut self, criticality: Criticality, share: Ratio) -> Self {
        self.shares[criticality.index()] = share;
        self
    }

    /// How long a rejected call reserves a slot for others of its criticality, 1 second by default. Calls in a queue
    /// are not affected: they have a slot reserved for as long as they wait.
    #[must_use]
    pub fn reservation_ttl(mut self, reservation_ttl: Duration) -> Self {
        self.reservation_ttl = reservation_ttl;
        self
    }

    /// Checks the configuration.
    ///
    /// # Errors
    ///
    /// Shares that add up to 0 or to more than 100 %; a `reservation_ttl` outside of
    /// [`MIN_RESERVATION_TTL`](Self::MIN_RESERVATION_TTL) and [`MAX_RESERVATION_TTL`](Self::MAX_RESERVATION_TTL).
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
        if !(Self::MIN_RESERVATION_TTL..=Self::MAX_RESERVATION_TTL).contains(&self.reservation_ttl)
        {
            let bound = format!(
                "from {:?} to {:?}",
                Self::MIN_RESERVATION_TTL,
                Self::MAX_RESERVATION_TTL
            );
            let value = format_args!("{:?}", self.reservation_ttl);
            return Err(ConfigError::new("shares.reservation_ttl", value, bound));
        }
        Ok(())
    }

    /// The guaranteed slots of a criticality at a limit.
    pub(super) fn places(&self, criticality: Criticality, limit: u64) -> u64 {
        places(parts(self.shares[criticality.index()]), limit)
    }
}

/// The slots of a limit for a share in [parts], rounded down.
pub(super) fn places(share: u64, limit: u64) -> u64 {
    let whole = || (u128::from(limit) * u128::from(share) / u128::from(WHOLE)) as u64;
    // Avoids the 128-bit division for all but very high limits.
    let product = limit.checked_mul(share);
    product.map_or_else(whole, |product| product / WHOLE)
}

/// A share in hundred-millionths. In these units the slots of all shares never exceed the limit, and three shares of a
/// third do not exceed 100 % by a rounding error.
pub(super) fn parts(share: Ratio) -> u64 {
    (share.get() * WHOLE as f64).round() as u64
}

/// The whole, in hundred-millionths.
pub(super) const WHOLE: u64 = 100_000_000;
