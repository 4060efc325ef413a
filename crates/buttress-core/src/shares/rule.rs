use std::time::{Duration, Instant};

use super::SharesConfig;
use super::kept::Kept;
use crate::{ConfigError, Criticality};

/// One limit, shared by criticality.
///
/// Whoever is within its share gets any place that is free. Whoever is beyond it borrows: it leaves free as many
/// places as are wanted by those that matter more, and by those that matter less and are within their shares. So
/// there is one threshold, the least criticality that may still borrow. It is at the bottom while nobody lacks a
/// place, and moves up as far as those who do matter.
///
/// What is wanted is what waits, exactly. A call that cannot wait is turned away, which leaves a place free for
/// others like it for a while, up to twice the square root of the limit: so many that a stream of calls at random
/// moments rarely finds none (square-root staffing; Halfin and Whitt, *Operations Research* 29, 1981).
///
/// Whoever owns it tells it of every call that begins and ends, waits and stops waiting, under one lock.
///
/// ```
/// use std::time::Instant;
/// use buttress_core::Criticality::{High, Low};
/// use buttress_core::shares::{Shares, SharesConfig};
///
/// # fn main() -> Result<(), buttress_core::ConfigError> {
/// let now = Instant::now();
/// let mut shares = Shares::new(SharesConfig::default())?;
/// // Nobody else is there, so the batch gets it all.
/// assert!((0..10).all(|_| shares.admit(Low, 10, now)));
///
/// // Two users find nothing free, and wait.
/// assert!(!shares.admit(High, 10, now));
/// shares.wait(High);
/// shares.wait(High);
/// shares.release(Low);
/// assert!(!shares.admit(Low, 10, now));
/// assert_eq!(shares.next(10, now), Some(High));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Shares {
    config: SharesConfig,
    /// By [`Criticality::index`], what matters least first.
    classes: [Class; Criticality::COUNT],
    in_flight: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Class {
    in_flight: u64,
    waiting: u64,
    kept: Kept,
}

/// What a criticality has and wants at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SharesSnapshot {
    /// Calls under way.
    pub in_flight: u64,
    /// Calls that wait.
    pub waiting: u64,
    /// Places it has for certain.
    pub share: u64,
    /// Places that those who matter less leave free for it.
    pub wanted: u64,
}

impl Shares {
    /// Shares of a limit of which nothing is used.
    ///
    /// # Errors
    ///
    /// What [`SharesConfig::check`] refuses.
    pub fn new(config: SharesConfig) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self {
            config,
            classes: [Class::default(); Criticality::COUNT],
            in_flight: 0,
        })
    }

    /// Takes a place for a call, to be [released](Self::release), if it may have one. If not, it
    /// [waits](Self::wait) or is [turned away](Self::turn_away).
    #[must_use]
    pub fn admit(&mut self, criticality: Criticality, limit: u64, now: Instant) -> bool {
        let may = self.may(criticality, limit, now);
        if may {
            self.overdraw(criticality);
        }
        may
    }

    /// Takes a place for a call in any case, also beyond the limit: where a refusal does not bind.
    pub fn overdraw(&mut self, criticality: Criticality) {
        self.in_flight += 1;
        self.classes[criticality.index()].in_flight += 1;
    }

    /// Gives back the place of a call that has ended.
    pub fn release(&mut self, criticality: Criticality) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let class = &mut self.classes[criticality.index()];
        class.in_flight = class.in_flight.saturating_sub(1);
    }

    /// A call begins to wait.
    pub fn wait(&mut self, criticality: Criticality) {
        self.classes[criticality.index()].waiting += 1;
    }

    /// A call does not wait any longer, because it has its place or because it gave up.
    pub fn leave(&mut self, criticality: Criticality) {
        let class = &mut self.classes[criticality.index()];
        class.waiting = class.waiting.saturating_sub(1);
    }

    /// A call was turned away that could not wait.
    pub fn turn_away(&mut self, criticality: Criticality, limit: u64, now: Instant) {
        let class = &mut self.classes[criticality.index()];
        class.kept.turn_away(limit, now, self.config.memory);
    }

    /// Of those that wait, the one that is to have a place now, if there is one to have. It is then to
    /// [leave](Self::leave), and to be [admitted](Self::admit).
    #[must_use]
    pub fn next(&self, limit: u64, now: Instant) -> Option<Criticality> {
        let waiting = |c: &Criticality| self.classes[c.index()].waiting > 0;
        let mut classes = Criticality::ALL.into_iter().rev().filter(waiting);
        classes.find(|&c| self.may(c, limit, now))
    }

    /// The least criticality that would get a place beyond its share now; `None` if none would.
    #[must_use]
    pub fn threshold(&self, limit: u64, now: Instant) -> Option<Criticality> {
        let free = limit.saturating_sub(self.in_flight);
        let mut classes = Criticality::ALL.into_iter();
        classes.find(|&c| free > self.kept_from(c, limit, now))
    }

    /// How many of the places that a criticality has for certain it does not have.
    #[must_use]
    pub fn lacks(&self, criticality: Criticality, limit: u64) -> u64 {
        let share = self.share(criticality, limit);
        share.saturating_sub(self.classes[criticality.index()].in_flight)
    }

    /// How many of so many places a criticality has for certain.
    #[must_use]
    pub fn share(&self, criticality: Criticality, limit: u64) -> u64 {
        self.config.places(criticality, limit)
    }

    /// How many calls are under way in all.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// What a criticality has and wants.
    #[must_use]
    pub fn snapshot(&self, criticality: Criticality, limit: u64, now: Instant) -> SharesSnapshot {
        let class = &self.classes[criticality.index()];
        SharesSnapshot {
            in_flight: class.in_flight,
            waiting: class.waiting,
            share: self.share(criticality, limit),
            wanted: class.wanted(now, self.config.memory),
        }
    }

    /// Keeps no more places for those who were turned away: whoever is in want waits from now on.
    pub fn forget_turned_away(&mut self) {
        for class in &mut self.classes {
            class.kept = Kept::default();
        }
    }

    /// Takes a new configuration. Nobody loses a place for it.
    ///
    /// # Errors
    ///
    /// What [`SharesConfig::check`] refuses; then nothing changes.
    pub fn reconfigure(&mut self, config: SharesConfig) -> Result<(), ConfigError> {
        config.check()?;
        self.config = config;
        Ok(())
    }

    /// Whether a call may have a place now.
    #[must_use]
    pub fn may(&self, criticality: Criticality, limit: u64, now: Instant) -> bool {
        let free = limit.saturating_sub(self.in_flight);
        free > 0
            && (self.lacks(criticality, limit) > 0
                || free > self.kept_from(criticality, limit, now))
    }

    /// How many places whoever borrows must leave to others.
    fn kept_from(&self, borrower: Criticality, limit: u64, now: Instant) -> u64 {
        let kept = |criticality: Criticality| {
            let class = &self.classes[criticality.index()];
            let wanted = class.wanted(now, self.config.memory);
            if criticality > borrower {
                wanted
            } else if criticality < borrower && wanted > 0 {
                wanted.min(self.lacks(criticality, limit))
            } else {
                0
            }
        };
        Criticality::ALL.into_iter().map(kept).sum()
    }
}

impl Class {
    fn wanted(&self, now: Instant, memory: Duration) -> u64 {
        self.waiting + self.kept.places(now, memory)
    }
}
