//! Users who send what they always do, beside a batch that sends twelve times the capacity.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::{Duration, Instant};

use buttress_core::Criticality::{self, High, Low};
use buttress_core::Ratio;
use buttress_core::shares::{Shares, SharesConfig};

use super::dice::Dice;

pub(crate) fn users_beside_a_batch_at_twelve_times_the_capacity_are_served() {
    println!("queue  places  users  batch  users served  batch gets  of all places");
    for (queue, limit, users, batch) in [
        (true, 10, 0.5, 12.0),
        (true, 10, 0.9, 12.0),
        (true, 64, 0.9, 12.0),
        // Alone they would lose as much: who comes as fast as he is served finds any queue full now and then.
        (true, 64, 1.0, 12.0),
        (false, 64, 0.5, 12.0),
        (false, 256, 0.8, 12.0),
    ] {
        let tally = World::new(queue, limit, SharesConfig::default()).run(users, batch);
        println!(
            "{:>5} {limit:>7} {users:>5.1}× {batch:>5.0}× {:>12.2}% {:>10.1}% {:>13.1}%",
            if queue { "yes" } else { "no" },
            100.0 * tally.served(High),
            100.0 * tally.answered[Low.index()] / tally.capacity,
            100.0 * tally.busy
        );
        let served = tally.served(High);
        assert!(served >= 0.994, "{served}");
        assert!(
            tally.busy >= if queue { 0.99 } else { 0.8 },
            "{}",
            tally.busy
        );
    }
}

pub(crate) fn what_users_leave_is_lent_to_the_batch() {
    for queue in [true, false] {
        let tally = World::new(queue, 64, SharesConfig::default()).run(0.0, 12.0);
        assert!(tally.busy >= 0.99, "{}", tally.busy);
    }
}

pub(crate) fn a_flood_of_users_leaves_the_batch_its_share() {
    let config = SharesConfig::default().share(Low, Ratio::percent(20));
    let tally = World::new(true, 50, config).run(5.0, 0.15);
    println!(
        "batch at 0.15× beside users at 5×: {:.1}%",
        100.0 * tally.served(Low)
    );
    assert!(tally.served(Low) >= 0.99, "{}", tally.served(Low));
    assert!(tally.busy >= 0.99, "{}", tally.busy);
}

/// Places shared by criticality, and a queue in order of arrival for each, or none.
struct World {
    queue: bool,
    limit: u64,
    shares: Shares,
    dice: Dice,
    start: Instant,
    now: f64,
    waiting: [VecDeque<f64>; Criticality::COUNT],
    ends: BinaryHeap<Reverse<(u64, Criticality, u64)>>,
    tally: Tally,
}

#[derive(Default)]
struct Tally {
    /// Calls that the places answer in all that time.
    capacity: f64,
    offered: [f64; Criticality::COUNT],
    /// In time.
    answered: [f64; Criticality::COUNT],
    busy: f64,
}

impl Tally {
    fn served(&self, criticality: Criticality) -> f64 {
        self.answered[criticality.index()] / self.offered[criticality.index()]
    }
}

impl World {
    fn new(queue: bool, limit: u64, config: SharesConfig) -> Self {
        Self {
            queue,
            limit,
            shares: Shares::new(config).expect("within bounds"),
            dice: Dice(0x9E37_79B9_7F4A_7C15),
            start: Instant::now(),
            now: 0.0,
            waiting: Default::default(),
            ends: BinaryHeap::new(),
            tally: Tally::default(),
        }
    }

    /// Users and batch as multiples of the capacity.
    fn run(mut self, users: f64, batch: f64) -> Tally {
        let capacity = self.limit as f64 / SERVICE;
        let rate = (users + batch) * capacity;
        self.tally.capacity = CALLS;
        let mut next = 0.0;
        while self.now < CALLS / capacity {
            let done = self
                .ends
                .peek()
                .map_or(f64::MAX, |end| end.0.0 as f64 / 1e9);
            let at = done.min(next);
            self.tally.busy += (at - self.now) * self.ends.len() as f64;
            self.now = at;
            if next < done {
                next = at + self.dice.exponential(1.0 / rate);
                let user = self.dice.uniform() * (users + batch) < users;
                self.arrive(if user { High } else { Low });
            } else {
                self.finish();
            }
        }
        self.tally.busy /= self.now * self.limit as f64;
        self.tally
    }

    fn arrive(&mut self, criticality: Criticality) {
        self.tally.offered[criticality.index()] += 1.0;
        let instant = self.instant();
        if self.shares.admit(criticality, self.limit, instant) {
            self.begin(criticality, self.now);
        } else if self.queue && self.waiting[criticality.index()].len() < self.capacity() {
            self.shares.wait(criticality);
            self.waiting[criticality.index()].push_back(self.now);
        } else if !self.queue {
            self.shares.turn_away(criticality, self.limit, instant);
        }
    }

    fn begin(&mut self, criticality: Criticality, arrived: f64) {
        let end = self.now + self.dice.exponential(SERVICE);
        let by = ((arrived + DEADLINE) * 1e9) as u64;
        self.ends
            .push(Reverse(((end * 1e9) as u64, criticality, by)));
    }

    fn finish(&mut self) {
        if let Some(Reverse((end, criticality, by))) = self.ends.pop() {
            self.shares.release(criticality);
            self.tally.answered[criticality.index()] += f64::from(u8::from(end <= by));
        }
        while let Some(criticality) = self.shares.next(self.limit, self.instant()) {
            self.shares.leave(criticality);
            let Some(arrived) = self.waiting[criticality.index()].pop_front() else {
                break;
            };
            // Too late to be of use.
            if self.now - arrived < DEADLINE - MARGIN {
                assert!(self.shares.admit(criticality, self.limit, self.instant()));
                self.begin(criticality, arrived);
            }
        }
    }

    /// As many as are served until the last of them is too late.
    fn capacity(&self) -> usize {
        ((DEADLINE - MARGIN) / SERVICE * self.limit as f64) as usize
    }

    fn instant(&self) -> Instant {
        self.start + Duration::from_secs_f64(self.now)
    }
}

/// The mean time a call takes, in seconds.
const SERVICE: f64 = 0.01;
/// After how long nobody wants the answer any more, and what nearly all calls take of that.
const DEADLINE: f64 = 0.2;
const MARGIN: f64 = 0.03;
/// Calls that the places answer in one run.
const CALLS: f64 = if cfg!(debug_assertions) { 1e5 } else { 1e6 };
