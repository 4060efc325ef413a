use std::ops::RangeInclusive;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use buttress_core::queue::Order;
use buttress_core::shares::SharesConfig;
use buttress_core::shed::{Admission, Call, Permit, Shed, ShedConfig, Waiter};
use buttress_core::{Criticality, Reason, Report};

const MS: Duration = Duration::from_millis(1);
/// The number of calls in flight at once. Each takes 10 ms on average, so the capacity is one call per millisecond.
const LIMIT: u32 = 10;
const SECONDS: usize = 5;

/// The answered calls of each criticality in one second, for this many arrivals of each per millisecond.
fn answered(config: ShedConfig, offered: [usize; 4]) -> [usize; 4] {
    let mut world = World::new(config.limit(LIMIT));
    for _ in 0..1_000 * SECONDS {
        world.now += MS;
        world.end();
        for criticality in Criticality::ALL {
            (0..offered[criticality.index()]).for_each(|_| world.call(criticality));
        }
        world.hear();
    }
    world.answered.map(|answers| answers / SECONDS)
}

struct World {
    shed: Shed,
    now: Instant,
    /// When each call ends, its criticality and its permit.
    inside: Vec<(Instant, Criticality, Permit)>,
    waiting: Vec<(Criticality, Waiter)>,
    answered: [usize; 4],
    dice: u64,
}

impl World {
    fn new(config: ShedConfig) -> Self {
        let now = Instant::now();
        Self {
            shed: Shed::new(config, 7, now).expect("valid"),
            now,
            inside: Vec::new(),
            waiting: Vec::new(),
            answered: [0; 4],
            dice: 7,
        }
    }

    fn end(&mut self) {
        let inside = std::mem::take(&mut self.inside);
        for (ends, criticality, mut permit) in inside {
            if ends > self.now {
                self.inside.push((ends, criticality, permit));
                continue;
            }
            self.answered[criticality.index()] += 1;
            self.shed.settle(&mut permit, Report::SUCCESS, || self.now);
            self.shed.release(permit, || self.now);
            self.hear();
        }
    }

    fn call(&mut self, criticality: Criticality) {
        let call = Call {
            criticality,
            ..Call::default()
        };
        match self.shed.admit(call, || 0, || self.now) {
            Admission::Admitted { permit, .. } => self.begin(criticality, permit),
            Admission::Waiting(waiter) => self.waiting.push((criticality, waiter)),
            Admission::Rejected(_) => {}
        }
    }

    fn hear(&mut self) {
        for (criticality, waiter) in std::mem::take(&mut self.waiting) {
            match self.shed.poll(&waiter, Waker::noop(), || 0, || self.now) {
                Poll::Pending => self.waiting.push((criticality, waiter)),
                Poll::Ready(Ok(permit)) => self.begin(criticality, permit),
                Poll::Ready(Err(_)) => {}
            }
        }
    }

    /// Starts a call of 1 to 19 ms, uniformly distributed.
    fn begin(&mut self, criticality: Criticality, permit: Permit) {
        self.dice = self
            .dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let takes = 1 + (self.dice >> 33) as u32 % 19;
        self.inside
            .push((self.now + takes * MS, criticality, permit));
    }
}

fn config(queue: usize) -> ShedConfig {
    let config = ShedConfig::default().queue(queue).order(Order::Fifo);
    let config = config.max_wait(None).margin(Duration::ZERO);
    config.shares(SharesConfig::default())
}

/// Tests with and without a queue. Of a capacity of a thousand calls, the default shares guarantee 100 to medium, 500
/// to high and 100 to critical calls.
fn with_and_without_a_queue(offered: [usize; 4], expected: &[RangeInclusive<usize>; 4]) {
    for queue in [0, 64] {
        let answered = answered(config(queue), offered);
        let all_are_so = answered
            .iter()
            .zip(expected)
            .all(|(answers, expected)| expected.contains(answers));
        assert!(all_are_so, "with a queue of {queue}: {answered:?}");
    }
}

/// Each batch call that arrives while the batch is below its share could go before the users, until the queue is full
/// of batch calls. Only as many go first as are missing from the share.
#[test]
fn a_batch_has_its_share_beside_users_and_no_more() {
    with_and_without_a_queue([0, 12, 2, 0], &[0..=0, 95..=106, 880..=905, 0..=0]);
}

#[test]
fn a_flood_of_what_is_critical_leaves_the_others_their_shares() {
    with_and_without_a_queue([0, 1, 1, 12], &[0..=0, 95..=107, 480..=510, 385..=400]);
}

#[test]
fn a_flood_of_users_leaves_a_trickle_of_a_batch_its_share() {
    with_and_without_a_queue([0, 1, 12, 0], &[0..=0, 95..=107, 885..=905, 0..=0]);
}

#[test]
fn a_criticality_without_a_guarantee_gets_what_is_left() {
    with_and_without_a_queue([12, 12, 12, 12], &[0..=3, 95..=107, 495..=510, 390..=400]);
    with_and_without_a_queue([12, 0, 0, 0], &[995..=1_005, 0..=0, 0..=0, 0..=0]);
}

/// Without a queue a slot is reserved after a rejection. With a queue, a call below its share waits.
#[test]
fn a_slot_that_is_kept_stays_so_until_there_is_a_queue() {
    let shed = Shed::new(config(0).limit(2), 7, Instant::now()).expect("valid");
    let now = Instant::now();
    let ask = |criticality| {
        let call = Call {
            criticality,
            ..Call::default()
        };
        match shed.admit(call, || 0, || now) {
            Admission::Admitted { permit, .. } => Ok(permit),
            Admission::Rejected(refusal) => Err(refusal.reason),
            Admission::Waiting(_) => panic!("it waits beside a free slot"),
        }
    };
    let refused = |criticality| ask(criticality).expect_err("a refusal");
    let first = ask(Criticality::Low).expect("there is room");
    let _second = ask(Criticality::Low).expect("there is room");
    assert_eq!(refused(Criticality::High), Reason::LimitReached);
    shed.release(first, || now);
    assert_eq!(refused(Criticality::Low), Reason::CriticalityTooLow);
    shed.reconfigure(config(0).limit(2), now).expect("valid");
    assert_eq!(refused(Criticality::Low), Reason::CriticalityTooLow);
    shed.reconfigure(config(1).limit(2), now).expect("valid");
    assert!(ask(Criticality::Low).is_ok());
}
