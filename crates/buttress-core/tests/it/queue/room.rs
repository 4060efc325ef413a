use std::time::Duration;

use buttress_core::Criticality::{Critical, High, Low};
use buttress_core::queue::{
    ControlledDelay, Dequeued, Dropped, Order, QueueConfig, QueueRefusal, QuotaHolder, WaitParams,
    WaitQueue,
};

use crate::queue::{Line, MS, epoch, that_is};

#[test]
fn the_bound_is_exact() {
    let mut line = Line::new(QueueConfig::default().order(Order::Fifo).capacity(3));
    for who in 0..3 {
        line.push(who, WaitParams::default());
    }
    let refused = line.queue.push(3, WaitParams::default(), line.now);
    assert_eq!(refused, Err((3, QueueRefusal::Full)));
    assert_eq!(line.serve_all(), [0, 1, 2]);
}

#[test]
fn no_request_waits_where_the_capacity_is_zero() {
    for order in [Order::Fifo, Order::Lifo, Order::ADAPTIVE] {
        let mut line = Line::new(QueueConfig::default().order(order).capacity(0));
        let refused = line.queue.push(1, that_is(Critical), line.now);
        assert_eq!(refused, Err((1, QueueRefusal::Full)));
    }
}

#[test]
fn newest_first_the_oldest_makes_room() {
    let mut line = Line::new(QueueConfig::default().order(Order::Lifo).capacity(2));
    line.push(1, WaitParams::default());
    line.push(2, WaitParams::default());
    let pushed = line
        .queue
        .push(3, WaitParams::default(), line.now)
        .expect("room is made");
    assert_eq!(pushed.displaced, Some((1, Dropped::Evicted)));
    assert_eq!(line.serve_all(), [3, 2]);
}

#[test]
fn what_matters_less_makes_room_and_what_matters_more_does_not() {
    for order in [Order::Fifo, Order::Lifo] {
        let mut line = Line::new(QueueConfig::default().order(order).capacity(2));
        line.push(1, that_is(Low));
        line.push(2, that_is(Critical));
        let pushed = line
            .queue
            .push(3, that_is(High), line.now)
            .expect("room is made");
        assert_eq!(pushed.displaced, Some((1, Dropped::Evicted)));
        let refused = line.queue.push(4, that_is(Low), line.now);
        assert_eq!(refused, Err((4, QueueRefusal::Full)));
        assert_eq!(line.serve_all(), [2, 3]);
    }
}

#[test]
fn a_waiter_that_is_too_late_is_evicted_first() {
    let mut line = Line::new(QueueConfig::default().order(Order::Fifo).capacity(2));
    let short = line.within(5);
    line.push(1, short);
    line.push(2, WaitParams::default());
    line.wait(5);
    let pushed = line
        .queue
        .push(3, WaitParams::default(), line.now)
        .expect("room is made");
    assert_eq!(pushed.displaced, Some((1, Dropped::TooLate)));
}

#[test]
fn a_request_that_cannot_be_served_in_time_does_not_wait() {
    let mut line = Line::new(QueueConfig::default().margin(20 * MS));
    let short = line.within(20);
    let refused = line.queue.push(1, short, line.now);
    assert_eq!(refused, Err((1, QueueRefusal::TooLate)));
    let enough = line.within(21);
    line.push(2, enough);
    line.wait(1);
    assert_eq!(line.pop(), Some(Dequeued::Dropped(2, Dropped::TooLate)));
}

#[test]
fn no_wait_exceeds_the_longest_wait() {
    let mut line = Line::new(QueueConfig::default().max_wait(10 * MS));
    line.push(1, WaitParams::default());
    line.wait(9);
    line.push(2, WaitParams::default());
    line.wait(1);
    assert_eq!(line.pop(), Some(Dequeued::Dropped(1, Dropped::TimedOut)));
    assert_eq!(line.pop(), Some(Dequeued::Served(2)));
}

#[test]
fn a_waiter_expires_after_max_wait_or_at_its_deadline() {
    let config = QueueConfig::default().max_wait(50 * MS).margin(10 * MS);
    for (left, waits, why) in [
        (Some(100), 50, Dropped::TimedOut),
        (Some(30), 20, Dropped::TooLate),
        (None, 50, Dropped::TimedOut),
    ] {
        let mut line = Line::new(config.clone());
        let terms = left.map_or_else(WaitParams::default, |left| line.within(left));
        let ticket = line.push(1, terms);
        let expires_at = line.queue.expires_at(ticket);
        assert_eq!(expires_at, Some((line.now + waits * MS, why)));
        line.wait(waits - 1);
        assert_eq!(line.queue.expire(ticket, line.now), None);
        line.wait(1);
        assert_eq!(line.queue.expire(ticket, line.now), Some(why));
        assert_eq!(line.queue.expire(ticket, line.now), None);
        assert!(line.queue.is_empty());
    }
}

#[test]
fn one_waits_on_the_terms_of_when_one_came() {
    let mut line = Line::new(QueueConfig::default().max_wait(50 * MS));
    let ticket = line.push(1, WaitParams::default());
    let longer = QueueConfig::default().max_wait(None);
    line.queue.reconfigure(longer).expect("valid");
    line.wait(50);
    let why = line.queue.expire(ticket, line.now);
    assert_eq!(why, Some(Dropped::TimedOut));
}

#[test]
fn a_ticket_opens_its_own_slot_only() {
    let mut line = Line::new(QueueConfig::default().order(Order::Fifo));
    let tickets: Vec<_> = (0..4)
        .map(|who| line.push(who, WaitParams::default()))
        .collect();
    assert_eq!(line.queue.remove(tickets[2], line.now), Some(2));
    assert_eq!(line.queue.remove(tickets[2], line.now), None);
    // The slot is reused, and the old ticket is still invalid.
    line.push(4, WaitParams::default());
    assert_eq!(line.queue.remove(tickets[2], line.now), None);
    assert_eq!(line.pop(), Some(Dequeued::Served(0)));
    assert_eq!(line.queue.remove(tickets[0], line.now), None);
    assert_eq!(line.serve_all(), [1, 3, 4]);
}

#[test]
fn a_smaller_capacity_drops_no_waiter_and_adds_none() {
    let config = QueueConfig::default().order(Order::Lifo);
    let mut line = Line::new(config.clone().capacity(4));
    for who in 0..4 {
        line.push(who, WaitParams::default());
    }
    line.queue.reconfigure(config.capacity(2)).expect("valid");
    for who in 4..6 {
        let refused = line.queue.push(who, WaitParams::default(), line.now);
        assert_eq!(refused, Err((who, QueueRefusal::Full)));
        assert!(line.pop().is_some());
    }
    let pushed = line
        .queue
        .push(6, WaitParams::default(), line.now)
        .expect("room is made");
    assert_eq!(pushed.displaced, Some((0, Dropped::Evicted)));
    assert_eq!(line.serve_all(), [6, 1]);
}

#[test]
fn room_that_is_kept_is_made_and_not_given() {
    for order in [Order::Fifo, Order::Lifo] {
        let mut line = Line::new(QueueConfig::default().order(order).capacity(2));
        let mut kept = [QuotaHolder::default(); 4];
        kept[Low.index()].kept = 1;
        line.queue.entitle(kept);
        for who in 1..=2 {
            line.push(who, that_is(Critical));
        }
        // The waiter that would be served last is evicted.
        let pushed = line.queue.push(3, that_is(Low), line.now);
        let last = if order == Order::Fifo { 2 } else { 1 };
        let displaced = pushed.expect("room is kept").displaced;
        assert_eq!(displaced, Some((last, Dropped::Evicted)));
        // Only one queue slot is reserved, and more critical requests do not get it.
        let another = line.queue.push(4, that_is(Low), line.now);
        assert_eq!(another.is_ok(), order == Order::Lifo);
        let more = line.queue.push(5, that_is(High), line.now);
        assert_eq!(more, Err((5, QueueRefusal::Full)));
    }
}

#[test]
fn what_cannot_work_is_rejected_by_name() {
    let zero = Duration::ZERO;
    let rule = ControlledDelay::default();
    let base = QueueConfig::default;
    for (config, message) in [
        (
            base().capacity(usize::MAX),
            "capacity is 18446744073709551615, but must be at most 1000000",
        ),
        (
            base().max_wait(zero),
            "max_wait is 0s, but must be above 0s",
        ),
        (
            base().order(Order::AdaptiveLifo {
                congested_after: zero,
            }),
            "congested_after is 0s, but must be above 0s",
        ),
        (
            base().controlled_delay(rule.target(zero)),
            "controlled_delay.target is 0s, but must be above 0s",
        ),
        (
            base().controlled_delay(rule.target(rule_interval())),
            "controlled_delay.interval is 100ms, but must be above 100ms, the target",
        ),
    ] {
        let error = WaitQueue::<()>::new(config, epoch()).expect_err(message);
        assert_eq!(error.to_string(), message);
    }
}

fn rule_interval() -> Duration {
    100 * MS
}
