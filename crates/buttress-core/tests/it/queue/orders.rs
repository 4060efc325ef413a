use buttress_core::Criticality::{Critical, High, Low, Medium};
use buttress_core::queue::{
    ControlledDelay, Dequeued, Dropped, Order, QueueConfig, QuotaHolder, WaitParams,
};

use crate::queue::{Line, that_is};

fn ordered(order: Order) -> Line {
    Line::new(QueueConfig::default().order(order))
}

fn with_three(order: Order) -> Line {
    let mut line = ordered(order);
    for who in 1..=3 {
        line.push(who, WaitParams::default());
        line.wait(1);
    }
    line
}

#[test]
fn fifo_serves_the_oldest_first() {
    assert_eq!(with_three(Order::Fifo).serve_all(), [1, 2, 3]);
}

#[test]
fn lifo_serves_the_newest_first() {
    assert_eq!(with_three(Order::Lifo).serve_all(), [3, 2, 1]);
}

#[test]
fn an_adaptive_queue_reverses_its_order_when_congested() {
    let mut line = with_three(Order::ADAPTIVE);
    assert!(!line.queue.is_congested());
    assert_eq!(line.pop(), Some(Dequeued::Served(1)));
    line.wait(101);
    assert_eq!(line.pop(), Some(Dequeued::Served(3)));
    assert!(line.queue.is_congested());
}

#[test]
fn a_queue_that_stood_turns_back_when_it_has_drained() {
    let mut line = with_three(Order::ADAPTIVE);
    line.wait(101);
    assert_eq!(line.serve_all(), [3, 2, 1]);
    // The queue is empty for less than an eighth of a second, so the overload is not over.
    for _ in 0..3 {
        line.wait(40);
        line.push(4, WaitParams::default());
        line.push(5, WaitParams::default());
        line.wait(20);
        assert_eq!(line.serve_all(), [5, 4]);
    }
    line.wait(1_000);
    line.push(6, WaitParams::default());
    line.push(7, WaitParams::default());
    assert_eq!(line.serve_all(), [6, 7]);
}

#[test]
fn a_congested_batch_does_not_reverse_more_critical_waiters() {
    let mut line = ordered(Order::ADAPTIVE);
    line.push(1, that_is(Low));
    line.push(2, that_is(Low));
    line.wait(101);
    for who in [3, 4] {
        line.push(who, that_is(High));
    }
    assert_eq!(line.serve_all(), [3, 4, 2, 1]);
}

#[test]
fn a_queue_with_a_short_threshold_reverses_its_order_after_an_expired_wait() {
    let mut line = ordered(Order::ADAPTIVE);
    let short = line.within(10);
    line.push(1, short);
    line.push(2, WaitParams::default());
    line.push(3, WaitParams::default());
    line.wait(10);
    assert_eq!(line.pop(), Some(Dequeued::Dropped(1, Dropped::TooLate)));
    assert_eq!(line.serve_all(), [3, 2]);
}

#[test]
fn what_matters_more_goes_before() {
    let mut line = ordered(Order::Fifo);
    for (who, criticality) in [(1, Low), (2, High), (3, Critical), (4, Medium), (5, High)] {
        line.push(who, that_is(criticality));
    }
    assert_eq!(line.serve_all(), [3, 2, 5, 4, 1]);
}

#[test]
fn without_criticality_all_are_one_class() {
    let config = QueueConfig::default().order(Order::Fifo);
    let mut line = Line::new(config.by_criticality(false));
    for (who, criticality) in [(1, Low), (2, Critical), (3, Medium)] {
        line.push(who, that_is(criticality));
    }
    assert_eq!(line.serve_all(), [1, 2, 3]);
}

#[test]
fn controlled_delay_drops_when_the_queue_has_not_drained_for_an_interval() {
    let config = QueueConfig::default().order(Order::Fifo);
    let mut line = Line::new(config.controlled_delay(ControlledDelay::default()));
    // Every request waits 20 ms, and the queue is never empty.
    let mut seen = Vec::new();
    line.push(0, WaitParams::default());
    for who in 1..30 {
        line.wait(10);
        line.push(who, WaitParams::default());
        if who > 1 {
            seen.push(line.pop().expect("a waiter"));
        }
    }
    let dropped = |exit: &Dequeued<u32>| matches!(exit, Dequeued::Dropped(_, Dropped::Overloaded));
    assert!(
        !seen[..11].iter().any(dropped),
        "the first interval is heard out"
    );
    assert!(seen[12..].iter().all(dropped), "{seen:?}");
}

#[test]
fn controlled_delay_drops_no_waiter_after_an_interval_with_one_short_wait() {
    let config = QueueConfig::default().order(Order::Fifo);
    let mut line = Line::new(config.controlled_delay(ControlledDelay::default()));
    line.push(0, WaitParams::default());
    line.wait(1);
    line.push(1, WaitParams::default());
    assert_eq!(line.pop(), Some(Dequeued::Served(0)));
    // From now on every request waits for 20 ms, and the queue is never empty.
    let exits: Vec<_> = (2..12)
        .map(|who| {
            line.wait(20);
            line.push(who, WaitParams::default());
            line.pop().expect("a waiter")
        })
        .collect();
    let served: Vec<_> = (1..11).map(Dequeued::Served).collect();
    assert_eq!(exits, served);
    // The second interval has just ended, and all waits in it were at least this long.
    line.wait(21);
    let exit = line.pop();
    assert!(
        matches!(exit, Some(Dequeued::Dropped(11, Dropped::Overloaded))),
        "{exit:?}"
    );
}

#[test]
fn controlled_delay_drops_after_twice_the_target_and_not_after_the_target() {
    // In a queue that does not drain, every wait is this many milliseconds.
    for (waits, is_dropped) in [(5, false), (8, false), (10, false), (12, true)] {
        let config = QueueConfig::default().order(Order::Fifo);
        let mut line = Line::new(config.controlled_delay(ControlledDelay::default()));
        let mut last = None;
        line.push(0, WaitParams::default());
        for who in 1..200 {
            line.wait(waits / 2);
            line.push(who, WaitParams::default());
            if who > 1 {
                last = line.pop();
            }
        }
        let dropped = matches!(last, Some(Dequeued::Dropped(_, Dropped::Overloaded)));
        assert_eq!(dropped, is_dropped, "{waits} ms: {last:?}");
    }
}

#[test]
fn controlled_delay_stops_dropping_when_the_queue_is_empty() {
    let config = QueueConfig::default().order(Order::Fifo);
    let mut line = Line::new(config.controlled_delay(ControlledDelay::default()));
    let overload = |line: &mut Line| {
        line.push(0, WaitParams::default());
        let mut last = None;
        for who in 1..30 {
            line.wait(10);
            line.push(who, WaitParams::default());
            if who > 1 {
                last = line.pop();
            }
        }
        last
    };
    let last = overload(&mut line);
    assert!(matches!(last, Some(Dequeued::Dropped(..))), "{last:?}");
    while line.pop().is_some() {}
    line.push(100, WaitParams::default());
    line.wait(50);
    assert_eq!(line.pop(), Some(Dequeued::Served(100)));
    let last = overload(&mut line);
    assert!(matches!(last, Some(Dequeued::Dropped(..))), "{last:?}");
}

#[test]
fn controlled_delay_drops_no_waiter_from_a_queue_that_drains() {
    let config = QueueConfig::default().order(Order::Fifo);
    let mut line = Line::new(config.controlled_delay(ControlledDelay::default()));
    for round in 0..50 {
        // Half of the requests wait for long.
        line.push(2 * round, WaitParams::default());
        line.wait(20);
        line.push(2 * round + 1, WaitParams::default());
        line.wait(1);
        assert_eq!(line.serve_all(), [2 * round, 2 * round + 1]);
    }
}

#[test]
fn guaranteed_waiters_go_first_and_the_more_critical_before_others() {
    let mut line = ordered(Order::Fifo);
    for (who, criticality) in [(1, Critical), (2, High), (3, Medium), (4, Low)] {
        line.push(who, that_is(criticality));
    }
    let first = |criticality: [u64; 4]| criticality.map(|first| QuotaHolder { first, kept: 0 });
    line.queue.entitle(first([0, 1, 2, 0]));
    assert_eq!(line.pop(), Some(Dequeued::Served(2)));
    // No waiter of high criticality is left.
    assert_eq!(line.pop(), Some(Dequeued::Served(3)));
    assert_eq!(line.pop(), Some(Dequeued::Served(1)));
    assert_eq!(line.pop(), Some(Dequeued::Served(4)));
}
