use std::time::Duration;

use buttress_core::Criticality::{Critical, Low};
use buttress_core::bulkhead::{Admission, Bulkhead, BulkheadConfig, Verdict, Waiter};
use buttress_core::queue::{ControlledDelay, Dropped, Order, WaitParams};
use buttress_core::{Deadline, Mode, Ratio, Reason};

use crate::bulkhead::{Answer, MS, Room, admitted, dropped, epoch, fifo, heard};

#[test]
fn the_limit_is_exact() {
    let room = Room::new(fifo(3, 0));
    let mut permits: Vec<_> = (0..3).map(|_| room.enter()).collect();
    assert_eq!(room.refused(), Reason::BulkheadFull);
    room.end(permits.pop().expect("three"));
    permits.push(room.enter());
    assert_eq!(room.refused(), Reason::BulkheadFull);
    permits.into_iter().for_each(|permit| room.end(permit));
    assert_eq!(room.in_flight(), 0);
}

#[test]
fn waiters_are_admitted_in_order_without_overtaking() {
    let room = Room::new(fifo(1, 3));
    let permit = room.enter();
    let places: Vec<_> = (0..3).map(|_| room.wait()).collect();
    assert_eq!(room.refused(), Reason::BulkheadFull);
    room.end(permit);
    for waiter in &places {
        let permit = admitted(waiter);
        // The queue has room again, but no slot is free.
        let late = room.wait();
        room.leave(late);
        room.end(permit);
    }
    let permit = room.enter();
    room.end(permit);
}

#[test]
fn the_queue_may_serve_the_newest_first() {
    let room = Room::new(fifo(1, 2).order(Order::Lifo));
    let permit = room.enter();
    let places: Vec<_> = (0..3).map(|_| room.wait()).collect();
    assert_eq!(dropped(&places[0]), Dropped::Evicted);
    room.end(permit);
    room.end(admitted(&places[2]));
    room.end(admitted(&places[1]));
}

#[test]
fn what_matters_more_goes_before() {
    let room = Room::new(fifo(1, 2));
    let permit = room.enter();
    let ask = |criticality| {
        let terms = WaitParams {
            criticality,
            ..WaitParams::default()
        };
        match room.ask_on(terms, 0) {
            Answer::Waits(waiter) => waiter,
            other => panic!("{other:?}"),
        }
    };
    let batch = ask(Low);
    let user = ask(Critical);
    room.end(permit);
    let permit = admitted(&user);
    assert!(heard(&batch).is_none());
    room.end(permit);
    room.end(admitted(&batch));
}

#[test]
fn a_waiter_that_leaves_passes_on_its_permit() {
    let room = Room::new(fifo(1, 3));
    let permit = room.enter();
    let [first, second, third] = [room.wait(), room.wait(), room.wait()];
    room.leave(second);
    room.end(permit);
    // The first waiter was assigned a slot, and has not polled since.
    room.leave(first);
    room.end(admitted(&third));
    assert_eq!((room.in_flight(), room.queued()), (0, 0));
}

#[test]
fn no_wait_exceeds_the_longest_wait() {
    let mut room = Room::new(fifo(1, 2).max_wait(10 * MS));
    let permit = room.enter();
    let waiter = room.wait();
    assert_eq!(waiter.expires_at(), Some(room.now + 10 * MS));
    assert_eq!(waiter.ends(), Some((room.now + 10 * MS, Dropped::TimedOut)));
    room.now += 9 * MS;
    assert_eq!(room.bulkhead.expire(&waiter, room.now), None);
    room.now += MS;
    let why = room.bulkhead.expire(&waiter, room.now);
    assert_eq!(why, Some(Dropped::TimedOut));
    assert_eq!(room.queued(), 0);
    room.leave(waiter);
    room.end(permit);
    assert_eq!(room.in_flight(), 0);
}

#[test]
fn a_waiter_that_expires_too_late_is_admitted() {
    let mut room = Room::new(fifo(1, 2).max_wait(10 * MS));
    let permit = room.enter();
    let waiter = room.wait();
    room.end(permit);
    room.now += 10 * MS;
    assert_eq!(room.bulkhead.expire(&waiter, room.now), None);
    room.end(admitted(&waiter));
}

#[test]
fn a_deadline_that_is_too_near_for_the_margin_does_not_wait() {
    let room = Room::new(fifo(1, 2).margin(5 * MS));
    let _permit = room.enter();
    let within = |left: u32| WaitParams {
        deadline: Some(Deadline::at(room.now + left * MS)),
        ..WaitParams::default()
    };
    match room.ask_on(within(5), 0) {
        Answer::No(reason) => assert_eq!(reason, Reason::DeadlineTooShort),
        other => panic!("{other:?}"),
    }
    match room.ask_on(within(20), 0) {
        Answer::Waits(waiter) => assert_eq!(waiter.expires_at(), Some(room.now + 15 * MS)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_lower_limit_ends_no_call_and_admits_none_until_enough_have_ended() {
    let room = Room::new(fifo(4, 0));
    let mut permits: Vec<_> = (0..4).map(|_| room.enter()).collect();
    room.bulkhead
        .reconfigure(fifo(2, 0), room.now)
        .expect("valid");
    assert_eq!(room.in_flight(), 4);
    for left in [4, 3, 2] {
        assert_eq!(room.in_flight(), left);
        assert_eq!(room.bulkhead.in_flight(), left);
        assert_eq!(room.refused(), Reason::BulkheadFull);
        room.end(permits.pop().expect("four"));
    }
    permits.push(room.enter());
    assert_eq!(room.refused(), Reason::BulkheadFull);
}

#[test]
fn a_higher_limit_lets_in_as_many_as_it_was_raised_by() {
    let room = Room::new(fifo(1, 4));
    let _permit = room.enter();
    let places: Vec<_> = (0..4).map(|_| room.wait()).collect();
    room.bulkhead
        .reconfigure(fifo(3, 4), room.now)
        .expect("valid");
    let _permits = [admitted(&places[0]), admitted(&places[1])];
    assert!(heard(&places[2]).is_none());
    assert_eq!(room.in_flight(), 3);
}

#[test]
fn off_counts_and_rejects_no_calls() {
    let room = Room::new(fifo(1, 0).mode(Mode::Off));
    let permits: Vec<_> = (0..3).map(|_| room.enter()).collect();
    assert_eq!(room.in_flight(), 0);
    // A call that was not counted releases nothing.
    room.bulkhead
        .reconfigure(fifo(1, 0), room.now)
        .expect("valid");
    permits.into_iter().for_each(|permit| room.end(permit));
    let _permit = room.enter();
    assert_eq!(room.refused(), Reason::BulkheadFull);
}

#[test]
fn shadow_rejects_no_calls_and_reports_which_it_would_have() {
    let room = Room::new(fifo(1, 1).mode(Mode::Shadow));
    let _inside = room.enter();
    let would_reject: Vec<_> = (0..3)
        .map(|_| {
            match room
                .bulkhead
                .acquire(|| 0, WaitParams::default, || room.now)
            {
                Admission::Admitted { would_reject, .. } => would_reject,
                other => panic!("{other:?}"),
            }
        })
        .collect();
    // The second call would have waited.
    let full = Some(Reason::BulkheadFull);
    assert_eq!(would_reject, [None, full, full]);
    assert_eq!(room.in_flight(), 4);
}

#[test]
fn the_identity_is_read_only_where_rejections_are_enforced_for_a_share() {
    let ask = |mode| {
        let room = Room::new(fifo(1, 0).mode(mode));
        let mut asked = false;
        let draw = || {
            asked = true;
            0
        };
        let admission = room
            .bulkhead
            .acquire(draw, WaitParams::default, || room.now);
        assert!(matches!(admission, Admission::Admitted { .. }));
        asked
    };
    for mode in [Mode::Enforce, Mode::Shadow, Mode::Off] {
        assert!(!ask(mode), "{mode:?}");
    }
    assert!(ask(Mode::EnforceFor(Ratio::HALF)));
}

#[test]
fn enforcing_for_some_rejects_the_same_ones_each_time() {
    let room = Room::new(fifo(1, 0).mode(Mode::EnforceFor(Ratio::HALF)));
    let _inside = room.enter();
    for _ in 0..3 {
        assert!(matches!(
            room.ask_on(WaitParams::default(), 0),
            Answer::No(_)
        ));
        assert!(matches!(
            room.ask_on(WaitParams::default(), u64::MAX),
            Answer::In(_)
        ));
    }
}

#[test]
fn waiters_are_admitted_when_the_mode_stops_enforcing() {
    for mode in [Mode::Off, Mode::Shadow] {
        let room = Room::new(fifo(1, 2));
        let inside = room.enter();
        let places = [room.wait(), room.wait()];
        let config = fifo(1, 2).mode(mode);
        room.bulkhead.reconfigure(config, room.now).expect("valid");
        for waiter in &places {
            room.end(admitted(waiter));
        }
        room.end(inside);
        assert_eq!(room.in_flight(), 0);
    }
}

#[test]
fn a_slot_ahead_of_a_call_is_waited_for_without_end() {
    let mut room = Room::new(fifo(1, 0));
    let inside = room.enter();
    let reserve = |room: &Room| match room.bulkhead.reserve(|| room.now) {
        Some(Admission::Waiting(waiter)) => waiter,
        other => panic!("{other:?}"),
    };
    let places = [reserve(&room), reserve(&room)];
    assert_eq!(room.refused(), Reason::BulkheadFull);
    room.now += Duration::from_secs(3600);
    let [first, second] = places;
    room.leave(first);
    room.end(inside);
    let permit = admitted(&second);
    assert_eq!(room.refused(), Reason::BulkheadFull);
    room.end(permit);
    assert_eq!(room.in_flight(), 0);
}

#[test]
fn what_cannot_work_is_rejected_by_name() {
    for (config, message) in [
        (fifo(0, 0), "limit is 0, but must be from 1 to 1000000"),
        (
            fifo(u32::MAX, 0),
            "limit is 4294967295, but must be from 1 to 1000000",
        ),
        (
            fifo(1, 2_000_000),
            "queue is 2000000, but must be at most 1000000",
        ),
        (
            fifo(1, 1).max_wait(Duration::ZERO),
            "max_wait is 0s, but must be above 0s",
        ),
    ] {
        let error = Bulkhead::new(config.clone(), epoch()).expect_err(message);
        assert_eq!(error.to_string(), message);
        let room = Room::new(BulkheadConfig::default());
        let before = room.bulkhead.config();
        assert_eq!(room.bulkhead.reconfigure(config, room.now), Err(error));
        assert_eq!(room.bulkhead.config(), before);
    }
}

#[test]
fn a_queue_that_drains_every_time_drops_no_waiter() {
    let limited = fifo(1, 10).controlled_delay(ControlledDelay::default());
    for pause in [200 * MS, Duration::from_secs(3_600)] {
        let mut room = Room::new(limited.clone());
        for _ in 0..100 {
            room.now += pause;
            let permit = room.enter();
            let waiter = room.wait();
            room.now += 20 * MS;
            room.end(permit);
            let permit = admitted(&waiter);
            room.now += 20 * MS;
            room.end(permit);
        }
    }
}

#[test]
fn waiting_for_readiness_and_waiting_in_the_queue_take_turns() {
    let room = Room::new(fifo(1, 10));
    let mut permit = room.enter();
    let reserve = || match room.bulkhead.reserve(|| room.now) {
        Some(Admission::Waiting(waiter)) => waiter,
        other => panic!("{other:?}"),
    };
    let ahead: Vec<_> = (0..3).map(|_| reserve()).collect();
    let queued: Vec<_> = (0..3).map(|_| room.wait()).collect();
    let mut order = String::new();
    for _ in 0..6 {
        room.end(permit);
        let of = |name, places: &[Waiter]| {
            places
                .iter()
                .find_map(|waiter| Some((name, heard(waiter)?)))
        };
        let next = of('a', &ahead).or_else(|| of('q', &queued));
        let Some((who, Verdict::Admitted(next))) = next else {
            panic!("{next:?}");
        };
        order.push(who);
        permit = next;
    }
    assert_eq!(order, "qaqaqa");
}

#[test]
fn neither_readiness_nor_the_queue_waits_while_others_keep_coming() {
    for ahead_comes_first in [true, false] {
        let room = Room::new(fifo(1, 10));
        let mut holder = room.enter();
        let ask = |ahead| match ahead {
            true => match room.bulkhead.reserve(|| room.now) {
                Some(Admission::Waiting(waiter)) => waiter,
                other => panic!("{other:?}"),
            },
            false => room.wait(),
        };
        let first = ask(ahead_comes_first);
        let mut rounds = 0;
        loop {
            let later = ask(!ahead_comes_first);
            room.end(holder);
            if let Some(Verdict::Admitted(permit)) = heard(&first) {
                room.end(permit);
                break;
            }
            holder = admitted(&later);
            rounds += 1;
            assert!(rounds < 2, "others were admitted {rounds} times before it");
        }
    }
}
