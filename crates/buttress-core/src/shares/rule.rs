use std::time::Instant;

use super::SharesConfig;
use super::kept::Kept;
use crate::{ConfigError, Criticality};

/// Shares one limit between calls of different criticality.
///
/// A class of calls below its share may take any free slot. A class above its share borrows: it leaves free the slots
/// wanted by more critical classes, and by less critical classes that are below their shares.
///
/// A slot is wanted by a call that was [rejected](Self::reject) because it could not wait. It is reserved for calls of
/// the same class for a while, up to twice the square root of the limit for each class: enough for calls that arrive at
/// random (square-root staffing; Halfin and Whitt, *Operations Research* 29, 1981). Calls in a queue are not recorded
/// here: the queue uses [`deficit`](Self::deficit) and [`share`](Self::share), and new calls must not overtake it.
///
/// The owner records every call that begins and ends, and every rejection, under one lock.
///
/// ```
/// use std::time::Instant;
/// use buttress_core::Criticality::{High, Low};
/// use buttress_core::shares::{Shares, SharesConfig};
///
/// # fn main() -> Result<(), buttress_core::ConfigError> {
/// let now = Instant::now();
/// let mut shares = Shares::new(SharesConfig::default())?;
/// // A batch may use all ten slots while there are no other calls.
/// for _ in 0..10 {
///     assert!(shares.may(Low, 10, now));
///     shares.force_acquire(Low);
/// }
///
/// // The call of a user is rejected: the next free slot is reserved for such calls.
/// assert!(!shares.may(High, 10, now));
/// shares.reject(High, 10, now);
/// shares.release(Low);
/// assert!(!shares.may(Low, 10, now));
/// assert!(shares.may(High, 10, now));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Shares {
    config: SharesConfig,
    /// By [`Criticality::index`], least critical first.
    classes: [Class; Criticality::COUNT],
    in_flight: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Class {
    in_flight: u64,
    kept: Kept,
}

impl Shares {
    /// Creates shares without calls.
    ///
    /// # Errors
    ///
    /// Returns the error of [`SharesConfig::check`].
    pub fn new(config: SharesConfig) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self {
            config,
            classes: [Class::default(); Criticality::COUNT],
            in_flight: 0,
        })
    }

    /// Takes a slot for a call that begins, also beyond the limit. Does not check whether the call [may](Self::may)
    /// take one.
    pub fn force_acquire(&mut self, criticality: Criticality) {
        self.in_flight += 1;
        self.classes[criticality.index()].in_flight += 1;
    }

    /// Returns the slot of a call that has ended.
    pub fn release(&mut self, criticality: Criticality) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let class = &mut self.classes[criticality.index()];
        class.in_flight = class.in_flight.saturating_sub(1);
    }

    /// Records that a call was rejected because it could not wait.
    pub fn reject(&mut self, criticality: Criticality, limit: u64, now: Instant) {
        let class = &mut self.classes[criticality.index()];
        class.kept.reject(limit, now, self.config.reservation_ttl);
    }

    /// The number of guaranteed slots that a criticality does not use.
    #[must_use]
    pub fn deficit(&self, criticality: Criticality, limit: u64) -> u64 {
        let share = self.share(criticality, limit);
        share.saturating_sub(self.classes[criticality.index()].in_flight)
    }

    /// The number of guaranteed slots of a criticality at a limit.
    #[must_use]
    pub fn share(&self, criticality: Criticality, limit: u64) -> u64 {
        self.config.places(criticality, limit)
    }

    /// Releases the slots reserved for rejected calls, because from now on calls wait instead.
    pub(crate) fn release_reserved(&mut self) {
        for class in &mut self.classes {
            class.kept = Kept::default();
        }
    }

    /// Applies a new configuration. No slot in use is revoked.
    ///
    /// # Errors
    ///
    /// Returns the error of [`SharesConfig::check`], and changes nothing.
    pub fn reconfigure(&mut self, config: SharesConfig) -> Result<(), ConfigError> {
        config.check()?;
        self.config = config;
        Ok(())
    }

    /// Whether a call may take a slot now.
    #[must_use]
    pub fn may(&self, criticality: Criticality, limit: u64, now: Instant) -> bool {
        let free = limit.saturating_sub(self.in_flight);
        free > 0
            && (self.deficit(criticality, limit) > 0
                || free > self.kept_from(criticality, limit, now))
    }

    /// The number of slots that a borrower must leave free.
    fn kept_from(&self, borrower: Criticality, limit: u64, now: Instant) -> u64 {
        let kept = |criticality: Criticality| {
            let class = &self.classes[criticality.index()];
            let wanted = class.kept.places(now, self.config.reservation_ttl);
            if criticality > borrower {
                wanted
            } else if criticality < borrower && wanted > 0 {
                wanted.min(self.deficit(criticality, limit))
            } else {
                0
            }
        };
        Criticality::ALL.into_iter().map(kept).sum()
    }
}
