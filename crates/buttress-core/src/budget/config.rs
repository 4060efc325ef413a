use std::time::Duration;

use super::TOKEN;
use crate::time::nanos;
use crate::window::Window;
use crate::{ConfigError, Ratio};

/// How much extra load a budget allows.
///
/// The defaults of the first three are those of Finagle's `RetryBudget`, those of the last two Envoy's.
///
/// | field | default | meaning |
/// |---|---|---|
/// | [`ratio`](Self::ratio) | 0.2 | extra attempts for each success |
/// | [`floor_per_second`](Self::floor_per_second) | 10 | extra attempts a second that need no success |
/// | [`ttl`](Self::ttl) | 10 s | how long a deposit can be spent |
/// | [`in_flight_share`](Self::in_flight_share) | 20 % | extra attempts waiting or in flight, of the calls in flight |
/// | [`in_flight_floor`](Self::in_flight_floor) | 3 | extra attempts that are always allowed |
///
/// Nothing is checked by the setters; a budget [checks](Self::check) the whole when it is made.
#[derive(Debug, Clone, PartialEq)]
pub struct BudgetConfig {
    pub(super) ratio: f64,
    pub(super) floor_per_second: u32,
    pub(super) ttl: Duration,
    pub(super) in_flight_share: Option<Ratio>,
    pub(super) in_flight_floor: u32,
}

impl Default for BudgetConfig {
    fn default() -> Self {
        Self {
            ratio: 0.2,
            floor_per_second: 10,
            ttl: Duration::from_secs(10),
            in_flight_share: Some(Ratio::percent(20)),
            in_flight_floor: 3,
        }
    }
}

impl BudgetConfig {
    /// The largest ratio: a hundred extra attempts for each success.
    pub const MAX_RATIO: f64 = 100.0;
    /// The highest floor, in attempts a second.
    pub const MAX_FLOOR: u32 = 1_000_000;
    /// The shortest time to live.
    pub const MIN_TTL: Duration = Duration::from_secs(1);
    /// The longest time to live.
    pub const MAX_TTL: Duration = Duration::from_secs(600);

    /// How many extra attempts each success pays for. It may be above 1. It is kept to nine decimals.
    #[must_use]
    pub fn ratio(mut self, ratio: f64) -> Self {
        self.ratio = ratio;
        self
    }

    /// How many extra attempts a second need no success to pay for them. What is left unspent can be spent for
    /// one [`ttl`](Self::ttl), as a deposit can. It is paid in bit by bit, beginning with two attempts.
    #[must_use]
    pub fn floor_per_second(mut self, floor: u32) -> Self {
        self.floor_per_second = floor;
        self
    }

    /// For how long a deposit can be spent, in sixteen steps: for at least 15/16 of this, and at most all of it.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// The most extra attempts that may wait or be in flight, as a share of the calls in flight; `None` turns the rule
    /// off. It bounds the concurrency of slow attempts, which a rate does not.
    #[must_use]
    pub fn in_flight_share(mut self, share: impl Into<Option<Ratio>>) -> Self {
        self.in_flight_share = share.into();
        self
    }

    /// The number of extra attempts that may wait or be in flight whatever their share.
    #[must_use]
    pub fn in_flight_floor(mut self, floor: u32) -> Self {
        self.in_flight_floor = floor;
        self
    }

    /// Rejects invalid values.
    ///
    /// # Errors
    ///
    /// A ratio that is negative, above [`MAX_RATIO`](Self::MAX_RATIO) or no number; a floor above
    /// [`MAX_FLOOR`](Self::MAX_FLOOR); a `ttl` outside of [`MIN_TTL`](Self::MIN_TTL) and
    /// [`MAX_TTL`](Self::MAX_TTL); an `in_flight_floor` of 0 where there is a share, as then few calls could never
    /// try again.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !(0.0..=Self::MAX_RATIO).contains(&self.ratio) {
            let bound = format!("from 0 to {}", Self::MAX_RATIO);
            return Err(ConfigError::new("budget.ratio", self.ratio, bound));
        }
        if self.floor_per_second > Self::MAX_FLOOR {
            let bound = format!("at most {}", Self::MAX_FLOOR);
            let value = self.floor_per_second;
            return Err(ConfigError::new("budget.floor_per_second", value, bound));
        }
        if !(Self::MIN_TTL..=Self::MAX_TTL).contains(&self.ttl) {
            let value = format_args!("{:?}", self.ttl);
            let bound = format!("from {:?} to {:?}", Self::MIN_TTL, Self::MAX_TTL);
            return Err(ConfigError::new("budget.ttl", value, bound));
        }
        if self.in_flight_share.is_some() && self.in_flight_floor == 0 {
            return Err(ConfigError::new("budget.in_flight_floor", 0, "at least 1"));
        }
        Ok(())
    }

    /// What each success pays in, in billionths of an attempt.
    pub(super) fn deposit(&self) -> u64 {
        (self.ratio * TOKEN as f64).round() as u64
    }

    /// The most that the floor pays in before some of it is spent, in billionths of an attempt.
    pub(super) fn most_of_floor(&self) -> u64 {
        // A token is a billion units and a second is a billion nanoseconds: n tokens a second are n units a nanosecond.
        u64::from(self.floor_per_second).saturating_mul(nanos(self.ttl))
    }

    pub(super) fn window(&self) -> Window {
        Window::Time(self.ttl)
    }
}
