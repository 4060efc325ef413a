use std::time::{Duration, Instant};

use super::arena::{Arena, End, Entry};
use super::codel::Delays;
use super::congestion::CongestionDetector;
use super::{
    Dequeued, Dropped, Enqueued, Order, QueueConfig, QueueRefusal, QuotaHolder, Ticket, WaitParams,
};
use crate::{ConfigError, Criticality, Deadline};

/// The waiters, and which is next. See the [module docs](super).
///
/// All operations take constant time, and memory is bounded by the configuration.
///
/// ```
/// use std::time::{Duration, Instant};
/// use buttress_core::Criticality;
/// use buttress_core::queue::{Dequeued, QueueConfig, WaitParams, WaitQueue};
///
/// # fn main() -> Result<(), buttress_core::ConfigError> {
/// let now = Instant::now();
/// let mut queue = WaitQueue::new(QueueConfig::default().capacity(2), now)?;
/// let batch = WaitParams { criticality: Criticality::Low, ..WaitParams::default() };
///
/// let _ = queue.push("report", batch, now);
/// let _ = queue.push("backfill", batch, now);
/// // A caller waits for this one, so a waiter of the batch is evicted.
/// let user = queue.push("user", WaitParams::default(), now).expect("it is more critical");
/// assert_eq!(user.displaced.map(|(evicted, _)| evicted), Some("backfill"));
///
/// assert_eq!(queue.pop(now), Some(Dequeued::Served("user")));
/// assert_eq!(queue.pop(now), Some(Dequeued::Served("report")));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct WaitQueue<T> {
    config: QueueConfig,
    entries: Arena<T, { Criticality::COUNT }>,
    /// One for each class: with a fixed order, the last class may starve while the others do not wait.
    detectors: [CongestionDetector; Criticality::COUNT],
    /// By class.
    entitled: [QuotaHolder; Criticality::COUNT],
    delays: Delays,
}

impl<T> WaitQueue<T> {
    /// An empty queue.
    ///
    /// # Errors
    ///
    /// What [`QueueConfig::check`] rejects.
    pub fn new(config: QueueConfig, now: Instant) -> Result<Self, ConfigError> {
        config.check()?;
        let detectors = std::array::from_fn(|_| CongestionDetector::emptied_at(now));
        Ok(Self {
            config,
            entries: Arena::new(),
            detectors,
            entitled: [QuotaHolder::default(); Criticality::COUNT],
            delays: Delays::default(),
        })
    }

    /// The number of waiters.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the queue is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The configuration in force.
    #[must_use]
    pub fn config(&self) -> &QueueConfig {
        &self.config
    }

    /// Whether the queue is congested, for some criticality at least, so that the newest waiters of it are served
    /// first.
    #[must_use]
    pub fn is_congested(&self) -> bool {
        self.detectors.iter().any(CongestionDetector::is_congested)
    }

    /// Whether the queue is still congested at `now`: the state of an empty queue changes only on the next request or
    /// read. `false` unless the order is [`Order::AdaptiveLifo`].
    #[must_use]
    pub fn is_congested_at(&self, now: Instant) -> bool {
        let Order::AdaptiveLifo { congested_after } = self.config.order else {
            return false;
        };
        let mut classes = self.detectors.iter();
        classes.any(|detector| detector.is_congested_at(congested_after, now))
    }

    /// Takes a new configuration. Waiters stay, also beyond a lower capacity: no request is added until there is room.
    ///
    /// # Errors
    ///
    /// What [`QueueConfig::check`] rejects; then nothing changes.
    pub fn reconfigure(&mut self, config: QueueConfig) -> Result<(), ConfigError> {
        config.check()?;
        self.config = config;
        Ok(())
    }

    /// Sets the guarantees of each [criticality](Criticality::index). There are none if the queue does not go [by
    /// criticality](QueueConfig::by_criticality).
    pub fn entitle(&mut self, entitled: [QuotaHolder; Criticality::COUNT]) {
        self.entitled = entitled;
    }

    /// Adds a waiter.
    ///
    /// When the queue is full, the one that would be served last is evicted: the newcomer, or a waiter.
    ///
    /// # Errors
    ///
    /// The value, and why it may not wait.
    pub fn push(
        &mut self,
        value: T,
        terms: WaitParams,
        now: Instant,
    ) -> Result<Enqueued<T>, (T, QueueRefusal)> {
        self.observe(now);
        let displaced = match self.room(terms, now) {
            Ok(None) => None,
            Ok(Some((ticket, why))) => self.take(ticket, now).map(|value| (value, why)),
            Err(refusal) => return Err((value, refusal)),
        };
        let class = self.class(terms.criticality);
        self.detectors[class].filled(now);
        let ticket = self.entries.push(Entry {
            value,
            class,
            since: now,
            deadline: terms.deadline,
            expires_at: self.expiry(terms.deadline, now),
        });
        Ok(Enqueued { ticket, displaced })
    }

    /// Why a request may not wait: a [`push`](Self::push) at this moment would be rejected. `None` if it may.
    #[must_use]
    pub fn refusal(&self, terms: WaitParams, now: Instant) -> Option<QueueRefusal> {
        self.room(terms, now).err()
    }

    /// The next waiter to leave the queue, when there is a slot: one that has expired, or else the one to serve. Must
    /// be called again until a waiter is served or the queue is empty.
    ///
    /// Of the expired waiters it finds the oldest of each class, and any whose turn it is. The others are
    /// [removed](Self::remove) by their own timers.
    pub fn pop(&mut self, now: Instant) -> Option<Dequeued<T>> {
        self.observe(now);
        if let Some((ticket, class, why)) = self.oldest_lapsed(now) {
            self.detectors[class].begin(now);
            return self
                .take(ticket, now)
                .map(|value| Dequeued::Dropped(value, why));
        }
        let (ticket, entry) = self.first()?;
        let delay = now.saturating_duration_since(entry.since);
        let why = self.expired(entry, now);
        let why = why.or_else(|| {
            let rule = self.config.controlled_delay?;
            let too_long = self.delays.is_too_long(rule, delay, now);
            too_long.then_some(Dropped::Overloaded)
        });
        self.take(ticket, now).map(|value| match why {
            None => Dequeued::Served(value),
            Some(why) => Dequeued::Dropped(value, why),
        })
    }

    /// Removes a waiter that stops waiting, unless it has left already.
    pub fn remove(&mut self, ticket: Ticket, now: Instant) -> Option<T> {
        self.observe(now);
        let entry = self.entries.get(ticket)?;
        if self.expired(entry, now).is_some() {
            self.detectors[entry.class].begin(now);
        }
        self.take(ticket, now)
    }

    /// Removes a waiter that has expired, and returns why. `None` if it has not expired, or has left.
    pub fn expire(&mut self, ticket: Ticket, now: Instant) -> Option<Dropped> {
        let why = self.expired(self.entries.get(ticket)?, now)?;
        self.remove(ticket, now)?;
        Some(why)
    }

    /// When a waiter expires, and why. `None` for never, or if it has left.
    #[must_use]
    pub fn expires_at(&self, ticket: Ticket) -> Option<(Instant, Dropped)> {
        self.entries.get(ticket)?.expires_at
    }

    /// How long the oldest waiter has waited.
    #[must_use]
    pub fn oldest_wait(&self, now: Instant) -> Option<Duration> {
        (0..Criticality::COUNT)
            .filter_map(|class| self.oldest_wait_of(class, now))
            .max()
    }

    fn oldest_wait_of(&self, class: usize, now: Instant) -> Option<Duration> {
        let (_, entry) = self.entries.at(class, End::Oldest)?;
        Some(now.saturating_duration_since(entry.since))
    }

    /// Updates the congestion of each class, before the queue changes.
    fn observe(&mut self, now: Instant) {
        let Order::AdaptiveLifo { congested_after } = self.config.order else {
            return;
        };
        for class in 0..Criticality::COUNT {
            let oldest = self.oldest_wait_of(class, now);
            let detector = &mut self.detectors[class];
            detector.review(congested_after, now);
            if oldest.is_some_and(|waited| waited > congested_after) {
                detector.begin(now);
            }
        }
    }

    fn class(&self, criticality: Criticality) -> usize {
        if self.config.by_criticality {
            criticality.index()
        } else {
            0
        }
    }

    /// The next waiter that can be served.
    fn first(&self) -> Option<(Ticket, &Entry<T>)> {
        let waiting = |&class: &usize| self.entries.len_of(class) > 0;
        let mut classes = (0..Criticality::COUNT).rev().filter(waiting);
        let entitled = classes
            .clone()
            .find(|&class| self.entitled_of(class).first > 0);
        let class = entitled.or_else(|| classes.next())?;
        self.entries.at(class, self.first_end(class))
    }

    fn entitled_of(&self, class: usize) -> QuotaHolder {
        if self.config.by_criticality {
            self.entitled[class]
        } else {
            QuotaHolder::default()
        }
    }

    /// The end of a class's list that is served first.
    fn first_end(&self, class: usize) -> End {
        match self.config.order {
            Order::Fifo => End::Oldest,
            Order::Lifo => End::Newest,
            Order::AdaptiveLifo { .. } if self.detectors[class].is_congested() => End::Newest,
            Order::AdaptiveLifo { .. } => End::Oldest,
        }
    }

    /// The end of a class's list that is served last.
    fn last_end(&self, class: usize) -> End {
        match self.first_end(class) {
            End::Newest => End::Oldest,
            End::Oldest => End::Newest,
        }
    }

    /// The waiter to evict for a newcomer, if one has to be evicted: the one that would be served last, if that is not
    /// the newcomer.
    fn room(
        &self,
        terms: WaitParams,
        now: Instant,
    ) -> Result<Option<(Ticket, Dropped)>, QueueRefusal> {
        if self.is_too_late(terms.deadline, now) {
            return Err(QueueRefusal::TooLate);
        }
        if self.len() < self.config.capacity {
            return Ok(None);
        }
        // One for one: a queue beyond its capacity only shrinks.
        if self.len() > self.config.capacity || self.config.capacity == 0 {
            return Err(QueueRefusal::Full);
        }
        let expired = self.oldest_lapsed(now);
        let leaving = expired.map(|(ticket, _, why)| (ticket, why));
        leaving
            .or_else(|| self.last_beside(self.class(terms.criticality)))
            .map(Some)
            .ok_or(QueueRefusal::Full)
    }

    /// Picks the waiter to evict for a newcomer: the last in order within the lowest class that would exceed its
    /// reserved queue slots. `None` if that is the newcomer.
    fn last_beside(&self, newcomer: usize) -> Option<(Ticket, Dropped)> {
        let last = (0..Criticality::COUNT).find(|&class| {
            let waiting = self.entries.len_of(class) + usize::from(class == newcomer);
            waiting as u64 > self.entitled_of(class).kept
        })?;
        let end = self.last_end(last);
        if last == newcomer && end == End::Newest {
            return None;
        }
        let (ticket, _) = self.entries.at(last, end)?;
        Some((ticket, Dropped::Evicted))
    }

    /// The oldest waiter of a class that has expired, least critical class first.
    fn oldest_lapsed(&self, now: Instant) -> Option<(Ticket, usize, Dropped)> {
        (0..Criticality::COUNT).find_map(|class| {
            let (ticket, entry) = self.entries.at(class, End::Oldest)?;
            Some((ticket, class, self.expired(entry, now)?))
        })
    }

    /// Why an entry has expired, if it has.
    fn expired(&self, entry: &Entry<T>, now: Instant) -> Option<Dropped> {
        if self.is_too_late(entry.deadline, now) {
            return Some(Dropped::TooLate);
        }
        let (at, why) = entry.expires_at?;
        (at <= now).then_some(why)
    }

    /// When a request that arrives at `now` expires.
    fn expiry(&self, deadline: Option<Deadline>, now: Instant) -> Option<(Instant, Dropped)> {
        let timeout = self
            .config
            .max_wait
            .and_then(|most| Deadline::after(now, most));
        let timeout = timeout.map(|at| (at.moment(), Dropped::TimedOut));
        let late = deadline.map(|at| (at.less(now, self.config.margin).moment(), Dropped::TooLate));
        match (timeout, late) {
            (Some(timeout), Some(late)) => Some(if late.0 <= timeout.0 { late } else { timeout }),
            (timeout, late) => timeout.or(late),
        }
    }

    fn is_too_late(&self, deadline: Option<Deadline>, now: Instant) -> bool {
        deadline.is_some_and(|at| !at.allows(now, self.config.margin))
    }

    fn take(&mut self, ticket: Ticket, now: Instant) -> Option<T> {
        let entry = self.entries.remove(ticket)?;
        if self.entries.at(entry.class, End::Oldest).is_none() {
            self.detectors[entry.class].emptied(now);
        }
        if self.is_empty() {
            self.delays.drained();
        }
        Some(entry.value)
    }
}
