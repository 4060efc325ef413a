//! The state that a queue reports while no waiter arrives or leaves.

use std::time::Duration;

use buttress_core::Criticality::{High, Low};
use buttress_core::queue::{Order, QueueConfig, WaitParams};

use crate::queue::{Line, MS, that_is};

/// A queue that has just become congested, and is empty.
fn congested() -> Line {
    let mut line = Line::new(QueueConfig::default().order(Order::ADAPTIVE));
    line.push(1, WaitParams::default());
    assert!(!line.queue.is_congested_at(line.now));
    line.wait(101);
    assert_eq!(line.serve_all(), [1]);
    line
}

#[test]
fn an_empty_queue_is_congested_for_ten_times_the_threshold() {
    let line = congested();
    let congested = |after| line.queue.is_congested_at(line.now + after);
    assert!(congested(Duration::ZERO));
    assert!(congested(1_000 * MS - Duration::from_nanos(1)));
    assert!(!congested(1_000 * MS));
    assert!(!congested(Duration::from_secs(3_600)));
}

#[test]
fn a_queue_with_a_waiter_stays_congested() {
    let mut line = congested();
    let began = line.now;
    line.wait(125);
    line.push(2, WaitParams::default());
    // The queue was empty for an eighth of the time, and no longer.
    assert!(line.queue.is_congested_at(began + 1_000 * MS));

    let mut line = congested();
    let began = line.now;
    line.wait(126);
    line.push(2, WaitParams::default());
    assert!(!line.queue.is_congested_at(began + 1_000 * MS));
}

#[test]
fn a_queue_with_a_fixed_order_is_never_congested() {
    let mut line = congested();
    let fifo = QueueConfig::default().order(Order::Fifo);
    line.queue.reconfigure(fifo).expect("valid");
    assert!(!line.queue.is_congested_at(line.now));
}

#[test]
fn the_oldest_wait_is_that_of_the_first_waiter_of_all() {
    let mut line = Line::new(QueueConfig::default());
    assert_eq!(line.queue.oldest_wait(line.now), None);
    line.push(1, that_is(High));
    line.wait(3);
    line.push(2, that_is(Low));
    line.wait(4);
    assert_eq!(line.queue.oldest_wait(line.now), Some(7 * MS));
    assert!(line.pop().is_some());
    assert_eq!(line.queue.oldest_wait(line.now), Some(4 * MS));
    assert!(!line.queue.is_empty());
    assert!(line.pop().is_some());
    assert_eq!(line.queue.oldest_wait(line.now), None);
    assert!(line.queue.is_empty());
}
