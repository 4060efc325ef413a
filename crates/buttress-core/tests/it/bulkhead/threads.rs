use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;

use crate::bulkhead::{Answer, Room, fifo, heard};
use buttress_core::bulkhead::Verdict;

/// Threads enter, wait, leave and end, and pass their permits to other threads to end there. The number of calls inside
/// never exceeds the limit, and in the end every token is free.
#[test]
fn the_limit_holds_between_threads_and_no_token_is_lost() {
    const LIMIT: u32 = 3;
    let room = Room::new(fifo(LIMIT, 2).max_wait(None));
    let inside = AtomicI64::new(0);
    let enter = |permit| {
        let now = inside.fetch_add(1, Ordering::SeqCst) + 1;
        assert!(now <= i64::from(LIMIT), "{now} inside");
        thread::yield_now();
        inside.fetch_sub(1, Ordering::SeqCst);
        room.end(permit);
    };
    thread::scope(|scope| {
        for thread in 0..8 {
            let (room, enter) = (&room, &enter);
            scope.spawn(move || {
                for turn in 0..2_000 {
                    match room.ask() {
                        Answer::In(permit) => enter(permit),
                        Answer::No(_) => thread::yield_now(),
                        Answer::Waits(waiter) if (thread + turn) % 3 == 0 => room.leave(waiter),
                        Answer::Waits(waiter) => loop {
                            match heard(&waiter) {
                                None => thread::yield_now(),
                                Some(Verdict::Admitted(permit)) => break enter(permit),
                                Some(verdict) => panic!("{verdict:?}"),
                            }
                        },
                    }
                }
            });
        }
    });
    assert_eq!((room.in_flight(), room.queued()), (0, 0));
    let permits: Vec<_> = (0..LIMIT).map(|_| room.enter()).collect();
    permits.into_iter().for_each(|permit| room.end(permit));
}
