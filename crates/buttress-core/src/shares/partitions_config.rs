use std::time::Duration;

use super::config::{WHOLE, parts, places};
use crate::{ConfigError, Name, Ratio};

/// Partitions of a limit, each with a name and a guaranteed share.
///
/// Calls with another name, or without one, belong to one more partition, the rest, which has the remaining share.
///
/// | field | default | meaning |
/// |---|---|---|
/// | [`share`](Self::share) | none | a name and its guaranteed share of the limit, rounded down to whole slots |
/// | [`reservation_ttl`](Self::reservation_ttl) | 1 s | without a queue: how long a rejected call reserves a slot for its partition |
///
/// The setters check nothing; [`Partitions::new`](super::Partitions::new) [checks](Self::check) the configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct PartitionsConfig {
    pub(super) shares: Vec<(Name, Ratio)>,
    pub(super) reservation_ttl: Duration,
}

impl Default for PartitionsConfig {
    fn default() -> Self {
        Self {
            shares: Vec::new(),
            reservation_ttl: Duration::from_secs(1),
        }
    }
}

impl PartitionsConfig {
    /// The maximum number of named partitions.
    pub const MAX_PARTITIONS: usize = 64;
    /// The longest [`reservation_ttl`](Self::reservation_ttl).
    pub const MAX_RESERVATION_TTL: Duration = Duration::from_secs(60);

    /// Adds a partition. A partition with a share of 0 only borrows slots.
    #[must_use]
    pub fn share(mut self, name: impl Into<Name>, share: Ratio) -> Self {
        self.shares.push((name.into(), share));
        self
    }

    /// How long a rejected call reserves a slot for others of its partition where there is no queue, 1 second by default.
    /// Calls in a queue have a slot reserved for as long as they wait. With 0, no slot is reserved.
    #[must_use]
    pub fn reservation_ttl(mut self, reservation_ttl: Duration) -> Self {
        self.reservation_ttl = reservation_ttl;
        self
    }

    /// The number of named partitions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shares.len()
    }

    /// Whether there is no named partition.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shares.is_empty()
    }

    /// Checks the configuration.
    ///
    /// # Errors
    ///
    /// No partition, or more than [`MAX_PARTITIONS`](Self::MAX_PARTITIONS); an empty or repeated name; shares that add up
    /// to more than 100 %; a `reservation_ttl` above [`MAX_RESERVATION_TTL`](Self::MAX_RESERVATION_TTL).
    pub fn check(&self) -> Result<(), ConfigError> {
        if !(1..=Self::MAX_PARTITIONS).contains(&self.len()) {
            let bound = format!("from 1 to {} partitions", Self::MAX_PARTITIONS);
            return Err(ConfigError::new(
                "partitions",
                format_args!("a list of {}", self.len()),
                bound,
            ));
        }
        for (at, (name, _)) in self.shares.iter().enumerate() {
            let value = format_args!("{:?}", name.as_str());
            if name.as_str().is_empty() {
                return Err(ConfigError::new("partitions.name", value, "a word"));
            }
            if self.shares[..at].iter().any(|(other, _)| other == name) {
                let bound = "the name of one partition only";
                return Err(ConfigError::new("partitions.name", value, bound));
            }
        }
        let sum: u64 = self.shares.iter().map(|&(_, share)| parts(share)).sum();
        if sum > WHOLE {
            let value = format_args!("{}% in all", sum as f64 / (WHOLE / 100) as f64);
            return Err(ConfigError::new("partitions.share", value, "at most 100%"));
        }
        if self.reservation_ttl > Self::MAX_RESERVATION_TTL {
            let value = format_args!("{:?}", self.reservation_ttl);
            let bound = format!("at most {:?}", Self::MAX_RESERVATION_TTL);
            return Err(ConfigError::new("partitions.reservation_ttl", value, bound));
        }
        Ok(())
    }

    /// Checks that each share of a limit is at least one slot, because a smaller one guarantees nothing.
    ///
    /// # Errors
    ///
    /// The first such share, with the name of its partition.
    pub(crate) fn check_limit(&self, limit: u64) -> Result<(), ConfigError> {
        let is_empty = |share: Ratio| share > Ratio::ZERO && places(parts(share), limit) == 0;
        match self.shares.iter().find(|&&(_, share)| is_empty(share)) {
            None => Ok(()),
            Some((name, share)) => Err(ConfigError::new(
                "partitions.share",
                format_args!("{share} of {limit} for {:?}", name.as_str()),
                "one slot at least, or 0%",
            )),
        }
    }
}
