use std::time::Duration;

use super::TOKEN;
use super::ledger::RESERVE;
use crate::time::nanos;
use crate::window::Window;
use crate::{ConfigError, Ratio};

/// How much extra load a budget allows.
///
/// `ratio` and `ttl` are those of Finagle's `RetryBudget`, the last two those of Envoy. The floor is a share of the calls
/// and no rate: see the [module](super).
///
/// | field | default | meaning |
/// |---|---|---|
/// | [`ratio`](Self::ratio) | 0.2 | extra attempts for each success |
/// | [`floor_ratio`](Self::floor_ratio) | 0.02 | extra attempts for each call, which need no success |
/// | [`floor_per_second`](Self::floor_per_second) | 0 | extra attempts a second that need neither |
/// | [`ttl`](Self::ttl) | 10 s | how long a deposit can be spent |
/// | [`in_flight_share`](Self::in_flight_share) | 20 % | extra attempts waiting or in flight, of the calls in flight |
/// | [`in_flight_floor`](Self::in_flight_floor) | 3 | extra attempts that are always allowed |
///
/// Nothing is checked by the setters; a budget [checks](Self::check) the whole when it is made.
#[derive(Debug, Clone, PartialEq)]
pub struct BudgetConfig {
    pub(super) ratio: f64,
    pub(super) floor_ratio: f64,
    pub(super) floor_per_second: u32,
    pub(super) ttl: Duration,
    pub(super) in_flight_share: Option<Ratio>,
    pub(super) in_flight_floor: u32,
}

impl Default for BudgetConfig {
    fn default() -> Self {
        Self {
            ratio: 0.2,
            // The table "budget: the share of the floor" in `tests/simulations`.
            floor_ratio: 0.02,
            floor_per_second: 0,
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

    /// How many extra attempts each call pays for, whatever its result. It may be up to 1. While no call succeeds, these
    /// are the only ones, and an overload ends at any load below `1 / (1 + floor_ratio)` of the capacity, from any
    /// number of clients. Two attempts of it do not expire, so that a client with few calls can retry too; a budget
    /// begins with these two.
    #[must_use]
    pub fn floor_ratio(mut self, ratio: f64) -> Self {
        self.floor_ratio = ratio;
        self
    }

    /// How many extra attempts a second are paid in whatever is sent. What is left unspent can be spent for one
    /// [`ttl`](Self::ttl), as a deposit can. It is paid in bit by bit, beginning with two attempts.
    ///
    /// Each client has this floor for itself. Where `n` clients send `o` calls a second to one dependency, the floor
    /// alone raises the load to `o + n × floor_per_second`: if that exceeds the capacity, an overload never ends.
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
    /// A ratio that is negative, above [`MAX_RATIO`](Self::MAX_RATIO) or no number; a `floor_ratio` that is negative,
    /// above 1 or no number; a floor above
    /// [`MAX_FLOOR`](Self::MAX_FLOOR); a `ttl` outside of [`MIN_TTL`](Self::MIN_TTL) and
    /// [`MAX_TTL`](Self::MAX_TTL); an `in_flight_floor` of 0 where there is a share, as then few calls could never
    /// try again.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !(0.0..=Self::MAX_RATIO).contains(&self.ratio) {
            let bound = format!("from 0 to {}", Self::MAX_RATIO);
            return Err(ConfigError::new("budget.ratio", self.ratio, bound));
        }
        if !(0.0..=1.0).contains(&self.floor_ratio) {
            let value = self.floor_ratio;
            return Err(ConfigError::new("budget.floor_ratio", value, "from 0 to 1"));
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

    /// What each call pays in, in billionths of an attempt.
    pub(super) fn deposit_of_call(&self) -> u64 {
        (self.floor_ratio * TOKEN as f64).round() as u64
    }

    /// The most that the floor holds, in billionths of an attempt.
    pub(super) fn most_of_floor(&self) -> u64 {
        // A token is a billion units and a second is a billion nanoseconds: n tokens a second are n units a nanosecond.
        let of_time = u64::from(self.floor_per_second).saturating_mul(nanos(self.ttl));
        let of_calls = if self.floor_ratio > 0.0 { RESERVE } else { 0 };
        of_time.max(of_calls)
    }

    pub(super) fn window(&self) -> Window {
        Window::Time(self.ttl)
    }
}
