use std::time::Duration;

use super::config::{WHOLE, parts, places};
use crate::{ConfigError, Name, Ratio};

/// Partitions of a limit, each with a name and a guaranteed share.
///
/// All that has another name, or none, is one more partition, which has what is left of the limit.
///
/// | field | default | meaning |
/// |---|---|---|
/// | [`share`](Self::share) | none | a name and its guaranteed share of the limit, rounded down to whole slots |
/// | [`memory`](Self::memory) | 1 s | where calls may not wait: how long a rejection reserves a slot for its partition |
///
/// Nothing is checked by the setters; [`Partitions`](super::Partitions) [checks](Self::check) the whole when it is made.
#[derive(Debug, Clone, PartialEq)]
pub struct PartitionsConfig {
    pub(super) shares: Vec<(Name, Ratio)>,
    pub(super) memory: Duration,
}

impl Default for PartitionsConfig {
    fn default() -> Self {
        Self {
            shares: Vec::new(),
            memory: Duration::from_secs(1),
        }
    }
}

impl PartitionsConfig {
    /// The most partitions with a name.
    pub const MAX_PARTITIONS: usize = 64;
    /// The longest memory.
    pub const MAX_MEMORY: Duration = Duration::from_secs(60);

    /// One more partition. A share of nothing uses only what is lent.
    #[must_use]
    pub fn share(mut self, name: impl Into<Name>, share: Ratio) -> Self {
        self.shares.push((name.into(), share));
        self
    }

    /// How long a rejected call reserves a slot for others of its partition, where there is no queue. Calls that wait
    /// in a queue have one reserved while they wait. With 0, none is reserved.
    #[must_use]
    pub fn memory(mut self, memory: Duration) -> Self {
        self.memory = memory;
        self
    }

    /// How many have a name.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shares.len()
    }

    /// Whether none has a name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shares.is_empty()
    }

    /// Rejects invalid values.
    ///
    /// # Errors
    ///
    /// No partition, or more than [`MAX_PARTITIONS`](Self::MAX_PARTITIONS); a name that is empty or there twice; shares
    /// that come to more than the whole; a memory above [`MAX_MEMORY`](Self::MAX_MEMORY).
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
        if self.memory > Self::MAX_MEMORY {
            let value = format_args!("{:?}", self.memory);
            let bound = format!("at most {:?}", Self::MAX_MEMORY);
            return Err(ConfigError::new("partitions.memory", value, bound));
        }
        Ok(())
    }

    /// Rejects a limit of which a share comes to less than a slot: it would be no guarantee.
    ///
    /// # Errors
    ///
    /// The first such share, by the name of its partition.
    pub(crate) fn check_limit(&self, limit: u64) -> Result<(), ConfigError> {
        let is_empty = |share: Ratio| share > Ratio::ZERO && places(parts(share), limit) == 0;
        match self.shares.iter().find(|&&(_, share)| is_empty(share)) {
            None => Ok(()),
            Some((name, share)) => Err(ConfigError::new(
                "partitions.share",
                format_args!("{share} of {limit} for {:?}", name.as_str()),
                "one place at least, or 0%",
            )),
        }
    }
}
