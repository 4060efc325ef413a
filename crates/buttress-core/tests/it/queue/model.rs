use std::time::{Duration, Instant};

use buttress_core::Criticality;
use buttress_core::queue::{
    Dequeued, Dropped, Order, QueueConfig, QueueRefusal, QuotaHolder, WaitParams,
};

/// A naive queue that scans all waiters each time, for the fixed orders and the adaptive one.
pub(crate) struct Model {
    pub(crate) capacity: usize,
    pub(crate) order: Order,
    pub(crate) by_criticality: bool,
    pub(crate) max_wait: Option<Duration>,
    pub(crate) margin: Duration,
    pub(crate) entitled: [QuotaHolder; Criticality::COUNT],
    /// In the order of arrival.
    pub(crate) waiting: Vec<Waiting>,
    classes: [Class; Criticality::COUNT],
}

/// The state of a criticality.
struct Class {
    /// When its queue became a standing queue, in the current interval.
    standing_since: Option<Instant>,
    /// The periods in which it was empty: start, and end if it has ended.
    empty: Vec<(Instant, Option<Instant>)>,
}

#[derive(Clone, Copy)]
pub(crate) struct Waiting {
    pub(crate) who: u32,
    criticality: Criticality,
    since: Instant,
    terms: WaitParams,
}

impl Model {
    pub(crate) fn new(order: Order, by_criticality: bool, capacity: usize, now: Instant) -> Self {
        Self {
            capacity,
            order,
            by_criticality,
            max_wait: Some(Duration::from_millis(250)),
            margin: Duration::from_millis(3),
            entitled: [QuotaHolder::default(); Criticality::COUNT],
            waiting: Vec::new(),
            classes: std::array::from_fn(|_| Class {
                standing_since: None,
                empty: vec![(now, None)],
            }),
        }
    }

    pub(crate) fn config(&self) -> QueueConfig {
        QueueConfig::default()
            .capacity(self.capacity)
            .order(self.order)
            .by_criticality(self.by_criticality)
            .max_wait(self.max_wait)
            .margin(self.margin)
    }

    pub(crate) fn push(
        &mut self,
        who: u32,
        terms: WaitParams,
        now: Instant,
    ) -> Result<Option<(u32, Dropped)>, QueueRefusal> {
        let newcomer = Waiting {
            who,
            criticality: if self.by_criticality {
                terms.criticality
            } else {
                Criticality::Low
            },
            since: now,
            terms,
        };
        self.look(now);
        if self.expired(&newcomer, now) == Some(Dropped::TooLate) {
            return Err(QueueRefusal::TooLate);
        }
        let mut displaced = None;
        if self.waiting.len() >= self.capacity {
            if self.waiting.len() > self.capacity || self.capacity == 0 {
                return Err(QueueRefusal::Full);
            }
            let (at, why) = match self.oldest_lapsed(now) {
                Some(expired) => expired,
                None => match self.last_after(newcomer) {
                    Some(last) => (last, Dropped::Evicted),
                    None => return Err(QueueRefusal::Full),
                },
            };
            displaced = Some((self.take(at, now).who, why));
        }
        if self.has_none_of(newcomer.criticality) {
            let class = &mut self.classes[newcomer.criticality.index()];
            let (_, until) = class.empty.last_mut().expect("it was empty");
            until.get_or_insert(now);
        }
        self.waiting.push(newcomer);
        Ok(displaced)
    }

    pub(crate) fn pop(&mut self, now: Instant) -> Option<Dequeued<u32>> {
        self.look(now);
        if let Some((at, why)) = self.oldest_lapsed(now) {
            self.stand(self.waiting[at].criticality, now);
            return Some(Dequeued::Dropped(self.take(at, now).who, why));
        }
        let at = *self.in_order(&self.waiting).first()?;
        let why = self.expired(&self.waiting[at], now);
        let who = self.take(at, now).who;
        Some(match why {
            None => Dequeued::Served(who),
            Some(why) => Dequeued::Dropped(who, why),
        })
    }

    pub(crate) fn remove(&mut self, who: u32, now: Instant) -> Option<u32> {
        self.look(now);
        let at = self.waiting.iter().position(|waiting| waiting.who == who)?;
        if self.expired(&self.waiting[at], now).is_some() {
            self.stand(self.waiting[at].criticality, now);
        }
        Some(self.take(at, now).who)
    }

    pub(crate) fn is_congested(&self) -> bool {
        let stands = |class: &Class| class.standing_since.is_some();
        self.classes.iter().any(stands)
    }

    fn has_none_of(&self, criticality: Criticality) -> bool {
        let of_it = |one: &Waiting| one.criticality == criticality;
        !self.waiting.iter().any(of_it)
    }

    /// The index in `waiting` of the waiter to evict for a newcomer. For each criticality, the waiters served first
    /// stay, as many as are reserved.
    fn last_after(&self, newcomer: Waiting) -> Option<usize> {
        let mut all = self.waiting.clone();
        all.push(newcomer);
        let mut order = self.in_order(&all);
        if self.by_criticality {
            for criticality in Criticality::ALL {
                let mut kept = self.entitled[criticality.index()].kept;
                order.retain(|&at| {
                    let stays = all[at].criticality == criticality && kept > 0;
                    kept -= u64::from(stays);
                    !stays
                });
            }
            // A waiter that goes first in order has no advantage when the queue is full.
            order.sort_by_key(|&at| std::cmp::Reverse(all[at].criticality));
        }
        order.pop().filter(|&last| last < self.waiting.len())
    }

    /// The indices in `waiting`, in the order of service.
    fn in_order(&self, waiting: &[Waiting]) -> Vec<usize> {
        let newest_first = |criticality: Criticality| match self.order {
            Order::Fifo => false,
            Order::Lifo => true,
            Order::AdaptiveLifo { .. } => {
                self.classes[criticality.index()].standing_since.is_some()
            }
        };
        let goes_first = |criticality: Criticality| {
            self.by_criticality && self.entitled[criticality.index()].first > 0
        };
        let (first, others): (Vec<_>, Vec<_>) = Criticality::ALL
            .into_iter()
            .rev()
            .partition(|&criticality| goes_first(criticality));
        let mut order = Vec::new();
        for criticality in first.into_iter().chain(others) {
            let mut of_it: Vec<_> = (0..waiting.len())
                .filter(|&at| waiting[at].criticality == criticality)
                .collect();
            if newest_first(criticality) {
                of_it.reverse();
            }
            order.extend(of_it);
        }
        order
    }

    fn look(&mut self, now: Instant) {
        let Order::AdaptiveLifo { congested_after } = self.order else {
            return;
        };
        for class in &mut self.classes {
            let Some(since) = class.standing_since else {
                continue;
            };
            let watched = now.saturating_duration_since(since);
            if watched >= 10 * congested_after {
                let empty: Duration = class
                    .empty
                    .iter()
                    .map(|(from, until)| {
                        until
                            .unwrap_or(now)
                            .saturating_duration_since(since.max(*from))
                    })
                    .sum();
                class.standing_since = (8 * empty <= watched).then_some(now);
            }
        }
        for one in self.waiting.clone() {
            if now.saturating_duration_since(one.since) > congested_after {
                self.stand(one.criticality, now);
            }
        }
    }

    fn stand(&mut self, criticality: Criticality, now: Instant) {
        let class = &mut self.classes[criticality.index()];
        class.standing_since.get_or_insert(now);
    }

    fn oldest_lapsed(&self, now: Instant) -> Option<(usize, Dropped)> {
        Criticality::ALL.iter().find_map(|criticality| {
            let of_class = |one: &Waiting| one.criticality == *criticality;
            let at = self.waiting.iter().position(of_class)?;
            Some((at, self.expired(&self.waiting[at], now)?))
        })
    }

    fn expired(&self, one: &Waiting, now: Instant) -> Option<Dropped> {
        let deadline = one.terms.deadline;
        if deadline.is_some_and(|deadline| deadline.moment() <= now + self.margin) {
            return Some(Dropped::TooLate);
        }
        let most = self.max_wait?;
        (now.saturating_duration_since(one.since) >= most).then_some(Dropped::TimedOut)
    }

    fn take(&mut self, at: usize, now: Instant) -> Waiting {
        let one = self.waiting.remove(at);
        if self.has_none_of(one.criticality) {
            self.classes[one.criticality.index()]
                .empty
                .push((now, None));
        }
        one
    }
}
