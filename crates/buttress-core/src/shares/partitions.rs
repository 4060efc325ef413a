use std::time::Instant;

use super::PartitionsConfig;
use super::config::{parts, places};
use super::kept::Kept;
use crate::{ConfigError, Name};

/// Shares one limit between named partitions.
///
/// Each partition is guaranteed its share; unused slots are lent out. Under contention, the next slot goes to the
/// waiting partition furthest below its share. Partitions below their share therefore come before all that borrow, and
/// those that borrow do so in proportion to their shares. A slot in use is not revoked, so a partition gets its share
/// back as calls end.
///
/// Without a queue, a rejected call of a partition below its share reserves a slot for a while, as with
/// [`Shares`](super::Shares). Otherwise the partition with the most calls would always take the next slot.
///
/// The owner records every call that begins and ends in a named partition, under one lock, and knows which partitions
/// have waiters. All other calls belong to the rest.
///
/// ```
/// use buttress_core::Ratio;
/// use buttress_core::shares::{Partitions, PartitionsConfig, Usage};
///
/// # fn main() -> Result<(), buttress_core::ConfigError> {
/// let half = PartitionsConfig::default().share("checkout", Ratio::HALF);
/// let mut partitions = Partitions::new(half)?;
/// let (checkout, rest) = (partitions.of("checkout"), partitions.of("search"));
///
/// // The rest uses all ten slots. One becomes free, and calls of both wait for it.
/// let usage = Usage { limit: 10, in_flight: 9 };
/// assert_eq!(partitions.next(usage, |_| true), Some(checkout));
/// // With five, checkout has its share, and the rest is below its own.
/// (0..5).for_each(|_| partitions.enter(checkout));
/// assert_eq!(partitions.next(usage, |_| true), Some(rest));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Partitions {
    config: PartitionsConfig,
    /// The rest is the first. Partitions are never removed, because calls in flight refer to them by index.
    parts: Vec<Part>,
    /// Calls in flight in all named partitions.
    in_named: u64,
}

/// One of the [`Partitions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Partition(u32);

/// How much of a limit is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// The number of calls that may be in flight.
    pub limit: u64,
    /// The number of calls in flight.
    pub in_flight: u64,
}

/// A snapshot of a partition.
#[derive(Debug, Clone, PartialEq)]
pub struct PartitionSnapshot {
    /// The name; `None` for the rest.
    pub name: Option<Name>,
    /// The number of guaranteed slots.
    pub share: u64,
    /// The number of calls in flight.
    pub in_flight: u64,
    /// The number of calls in the queue.
    pub queued: usize,
}

#[derive(Debug, Clone)]
struct Part {
    /// `None` for the rest, and for partitions that were removed from the configuration. A removed partition has no
    /// share and gets no new calls, but may still have calls in flight and waiters.
    name: Option<Name>,
    /// In hundred-millionths of the limit.
    share: u64,
    /// Always 0 for the rest, whose calls are all calls in flight that are in no named partition.
    in_flight: u64,
    kept: Kept,
}

impl Partition {
    /// All calls that are in no named partition.
    pub(crate) const REST: Self = Self(0);

    /// The index of the partition. The rest is 0.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Partitions {
    /// Creates partitions without calls.
    ///
    /// # Errors
    ///
    /// Returns the error of [`PartitionsConfig::check`].
    pub fn new(config: PartitionsConfig) -> Result<Self, ConfigError> {
        let mut partitions = Self {
            config: PartitionsConfig::default(),
            parts: vec![Part::new(None, 0)],
            in_named: 0,
        };
        partitions.reconfigure(config, |_| false)?;
        Ok(partitions)
    }

    /// Returns the partition with a name, or the rest if no partition has that name.
    #[must_use]
    pub fn of(&self, name: &str) -> Partition {
        let is_it = |part: &Part| part.name.as_ref().is_some_and(|own| own.as_str() == name);
        let found = self.parts.iter().position(is_it);
        Partition(found.unwrap_or(0) as u32)
    }

    /// The highest number of partitions so far, including the rest and those that are no longer configured.
    #[must_use]
    pub fn count(&self) -> usize {
        self.parts.len()
    }

    /// Returns all partitions, the rest first.
    pub fn all(&self) -> impl Iterator<Item = Partition> + use<> {
        (0..self.parts.len() as u32).map(Partition)
    }

    /// Whether a new call may take a slot immediately. `waits` returns whether a partition has waiters.
    ///
    /// A call does not overtake waiters of its own partition. A call within its share does not wait for partitions that
    /// borrow.
    #[must_use]
    pub(crate) fn may_enter(
        &self,
        partition: Partition,
        usage: Usage,
        waits: impl Fn(Partition) -> bool,
        now: Instant,
    ) -> bool {
        let free = usage.limit.saturating_sub(usage.in_flight);
        if free == 0 || waits(partition) {
            return false;
        }
        self.deficit(partition, usage) > 0
            || (!self.all().any(waits) && free > self.kept_from(partition, usage, now))
    }

    /// Returns the partition that gets the next free slot, among those with waiters.
    pub fn next(&self, usage: Usage, waits: impl Fn(Partition) -> bool) -> Option<Partition> {
        let waiting = self.all().filter(|&partition| waits(partition));
        // The ratio of its calls to its share, with one added to both: below 1 while the partition is below its share,
        // and small for a partition with a small share that borrows a little.
        let part = |partition| {
            let has = self.in_flight(partition, usage) + 1;
            (has, self.share(partition, usage.limit) + 1)
        };
        waiting.min_by(|&one, &other| {
            let ((has, of), (other_has, of_other)) = (part(one), part(other));
            (has * of_other).cmp(&(other_has * of))
        })
    }

    /// Records that a call begins.
    pub fn enter(&mut self, partition: Partition) {
        self.step(partition, 1);
    }

    /// Records that a call has ended.
    pub fn leave(&mut self, partition: Partition) {
        self.step(partition, -1);
    }

    /// Records that a call was rejected because it could not wait. If its partition is below its share, a slot is
    /// reserved.
    pub fn reject(&mut self, partition: Partition, usage: Usage, now: Instant) {
        if self.deficit(partition, usage) > 0 && !self.config.reservation_ttl.is_zero() {
            let kept = &mut self.parts[partition.index()].kept;
            kept.reject(usage.limit, now, self.config.reservation_ttl);
        }
    }

    /// Releases the slots reserved for rejected calls, because from now on calls wait instead.
    pub(crate) fn release_reserved(&mut self) {
        for part in &mut self.parts {
            part.kept = Kept::default();
        }
    }

    /// Returns a snapshot of a configured partition, without its number of waiters.
    #[must_use]
    pub fn snapshot(&self, partition: Partition, usage: Usage) -> Option<PartitionSnapshot> {
        let part = self.parts.get(partition.index())?;
        if part.name.is_none() && partition != Partition::REST {
            return None;
        }
        Some(PartitionSnapshot {
            name: part.name.clone(),
            share: self.share(partition, usage.limit),
            in_flight: self.in_flight(partition, usage),
            queued: 0,
        })
    }

    /// Applies a new configuration. `waits` returns whether a partition has waiters. No slot in use is revoked. A
    /// partition that keeps its name keeps its calls. A removed partition only borrows, until its calls have ended.
    ///
    /// # Errors
    ///
    /// Returns the error of [`PartitionsConfig::check`], and changes nothing.
    pub fn reconfigure(
        &mut self,
        config: PartitionsConfig,
        waits: impl Fn(Partition) -> bool,
    ) -> Result<(), ConfigError> {
        config.check()?;
        for part in &mut self.parts[1..] {
            let still = |(name, _): &&(Name, _)| part.name.as_ref() == Some(name);
            let share = config.shares.iter().find(still);
            part.share = share.map_or(0, |&(_, share)| parts(share));
            part.name = share.map(|(name, _)| name.clone());
        }
        for (name, share) in &config.shares {
            if self.of(name.as_str()) != Partition::REST {
                continue;
            }
            let part = Part::new(Some(name.clone()), parts(*share));
            match self.all().find(|&old| self.is_left(old) && !waits(old)) {
                Some(old) => self.parts[old.index()] = part,
                None => self.parts.push(part),
            }
        }
        self.config = config;
        Ok(())
    }

    /// Whether a partition is no longer configured and has no calls in flight.
    fn is_left(&self, partition: Partition) -> bool {
        let part = &self.parts[partition.index()];
        partition != Partition::REST && part.name.is_none() && part.in_flight == 0
    }

    fn step(&mut self, partition: Partition, by: i64) {
        if partition != Partition::REST {
            let in_flight = &mut self.parts[partition.index()].in_flight;
            *in_flight = in_flight.saturating_add_signed(by);
            self.in_named = self.in_named.saturating_add_signed(by);
        }
    }

    fn in_flight(&self, partition: Partition, usage: Usage) -> u64 {
        match partition {
            Partition::REST => usage.in_flight.saturating_sub(self.in_named),
            Partition(at) => self.parts[at as usize].in_flight,
        }
    }

    /// The number of guaranteed slots of a partition.
    fn share(&self, partition: Partition, limit: u64) -> u64 {
        let share = |part: &Part| places(part.share, limit);
        match partition {
            Partition::REST => limit.saturating_sub(self.parts[1..].iter().map(share).sum()),
            Partition(at) => share(&self.parts[at as usize]),
        }
    }

    /// The number of guaranteed slots that a partition does not use.
    fn deficit(&self, partition: Partition, usage: Usage) -> u64 {
        let share = self.share(partition, usage.limit);
        share.saturating_sub(self.in_flight(partition, usage))
    }

    /// The number of slots that a borrower must leave free.
    fn kept_from(&self, borrower: Partition, usage: Usage, now: Instant) -> u64 {
        let kept = |partition: Partition| {
            let kept = &self.parts[partition.index()].kept;
            match kept.places(now, self.config.reservation_ttl) {
                0 => 0,
                kept => kept.min(self.deficit(partition, usage)),
            }
        };
        self.all()
            .filter(|&other| other != borrower)
            .map(kept)
            .sum()
    }
}

impl Part {
    fn new(name: Option<Name>, share: u64) -> Self {
        Self {
            name,
            share,
            in_flight: 0,
            kept: Kept::default(),
        }
    }
}
