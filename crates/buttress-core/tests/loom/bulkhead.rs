//! Every interleaving of calls that arrive, wait, leave and end.

use std::sync::atomic::AtomicBool;
use std::task::{Poll, Wake, Waker};
use std::time::Instant;

use buttress_core::Ratio;
use buttress_core::bulkhead::{Admission, Bulkhead, BulkheadConfig, Permit, Verdict, Waiter};
use buttress_core::queue::{Dropped, Order, WaitParams};
use buttress_core::shares::PartitionsConfig;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

#[allow(clippy::disallowed_methods)]
fn epoch() -> Instant {
    static EPOCH: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    *EPOCH.get_or_init(Instant::now)
}

fn config(limit: u32, queue: usize) -> BulkheadConfig {
    let config = BulkheadConfig::default().limit(limit).queue(queue);
    config.order(Order::Fifo).max_wait(None)
}

fn shared(limit: u32, queue: usize) -> Arc<Bulkhead> {
    Arc::new(Bulkhead::new(config(limit, queue), epoch()).expect("valid"))
}

enum Answer {
    In(Permit),
    Waits(Waiter),
    No,
}

fn ask(bulkhead: &Bulkhead) -> Answer {
    if let Some(permit) = bulkhead.try_acquire() {
        return Answer::In(permit);
    }
    match bulkhead.acquire(|| 0, WaitParams::default, epoch) {
        Admission::Admitted { permit, .. } => Answer::In(permit),
        Admission::Waiting(waiter) => Answer::Waits(waiter),
        Admission::Rejected(_) => Answer::No,
    }
}

fn enter(bulkhead: &Bulkhead) -> Permit {
    match ask(bulkhead) {
        Answer::In(permit) => permit,
        _ => panic!("there is room"),
    }
}

/// Lets the other threads run first; loom then finds the other orders from there. By itself, loom 0.7 starts with this
/// thread, and may not find all orders in which another runs first.
fn go_last() {
    thread::yield_now();
}

/// A task that is polled again after a wakeup.
#[derive(Default)]
struct Task(std::sync::Mutex<bool>);

impl Wake for Task {
    fn wake(self: std::sync::Arc<Self>) {
        *self.0.lock().expect("not poisoned") = true;
    }
}

fn hear(waiter: &Waiter) -> Option<Permit> {
    match waiter.poll(Waker::noop()) {
        Poll::Ready(Verdict::Admitted(permit)) => Some(permit),
        Poll::Ready(verdict) => panic!("{verdict:?}"),
        Poll::Pending => None,
    }
}

fn all_are_back(bulkhead: &Bulkhead, limit: u32) {
    let permits: Vec<_> = (0..limit).map(|_| enter(bulkhead)).collect();
    assert!(!matches!(ask(bulkhead), Answer::In(_)));
    for permit in permits {
        bulkhead.release(permit, epoch);
    }
}

#[test]
fn the_limit_is_never_exceeded_and_no_token_is_lost() {
    loom::model(|| {
        let bulkhead = shared(1, 0);
        let inside = Arc::new(AtomicUsize::new(0));
        let call = |bulkhead: &Bulkhead, inside: &AtomicUsize| {
            if let Answer::In(permit) = ask(bulkhead) {
                assert_eq!(inside.fetch_add(1, Ordering::Relaxed), 0);
                inside.fetch_sub(1, Ordering::Relaxed);
                bulkhead.release(permit, epoch);
            }
        };
        let other = {
            let (bulkhead, inside) = (Arc::clone(&bulkhead), Arc::clone(&inside));
            thread::spawn(move || {
                call(&bulkhead, &inside);
                call(&bulkhead, &inside);
            })
        };
        go_last();
        call(&bulkhead, &inside);
        other.join().expect("ended");
        all_are_back(&bulkhead, 1);
    });
}

/// A slot that is released just when a call finds none is assigned to that call once it waits.
#[test]
fn a_waiter_is_admitted() {
    loom::model(|| {
        let bulkhead = shared(1, 1);
        let permit = enter(&bulkhead);
        let other = {
            let bulkhead = Arc::clone(&bulkhead);
            thread::spawn(move || ask(&bulkhead))
        };
        go_last();
        bulkhead.release(permit, epoch);
        let permit = match other.join().expect("ended") {
            Answer::In(permit) => permit,
            Answer::Waits(waiter) => hear(&waiter).expect("the waiter was given back"),
            Answer::No => panic!("there is room to wait"),
        };
        bulkhead.release(permit, epoch);
        all_are_back(&bulkhead, 1);
    });
}

/// Of two calls that look for the only token, exactly one is admitted.
#[test]
fn one_of_two_gets_the_last_slot() {
    loom::model(|| {
        let bulkhead = shared(1, 0);
        let permit = enter(&bulkhead);
        bulkhead.release(permit, epoch);
        let other = {
            let bulkhead = Arc::clone(&bulkhead);
            thread::spawn(move || ask(&bulkhead))
        };
        go_last();
        let mine = ask(&bulkhead);
        let answers = [mine, other.join().expect("ended")];
        let admit_waiters = answers.iter().filter(|one| matches!(one, Answer::In(_)));
        assert_eq!(admit_waiters.count(), 1);
    });
}

/// A waiter that leaves while it is being admitted passes its slot on.
#[test]
fn a_slot_assigned_to_a_leaving_waiter_goes_to_the_next() {
    loom::model(|| {
        let bulkhead = shared(1, 2);
        let permit = enter(&bulkhead);
        let (Answer::Waits(first), Answer::Waits(second)) = (ask(&bulkhead), ask(&bulkhead)) else {
            panic!("there is room to wait");
        };
        let other = {
            let bulkhead = Arc::clone(&bulkhead);
            thread::spawn(move || bulkhead.leave(first, epoch))
        };
        go_last();
        bulkhead.release(permit, epoch);
        other.join().expect("ended");
        let permit = hear(&second).expect("the other left");
        bulkhead.release(permit, epoch);
        all_are_back(&bulkhead, 1);
    });
}

/// A waiter that polls and then sleeps is woken by the thread that admits it.
#[test]
fn no_wakeup_is_lost() {
    loom::model(|| {
        let bulkhead = shared(1, 1);
        let permit = enter(&bulkhead);
        let Answer::Waits(waiter) = ask(&bulkhead) else {
            panic!("there is room to wait");
        };
        let other = {
            let bulkhead = Arc::clone(&bulkhead);
            thread::spawn(move || bulkhead.release(permit, epoch))
        };
        go_last();
        let task = std::sync::Arc::new(Task::default());
        let waker = Waker::from(std::sync::Arc::clone(&task));
        let early = waiter.poll(&waker).is_ready();
        other.join().expect("ended");
        let woken = *task.0.lock().expect("not poisoned");
        assert!(early || woken);
    });
}

#[test]
fn a_resize_neither_makes_nor_loses_tokens() {
    loom::model(|| {
        let bulkhead = shared(2, 0);
        let permit = enter(&bulkhead);
        let other = {
            let bulkhead = Arc::clone(&bulkhead);
            thread::spawn(move || {
                bulkhead.release(permit, epoch);
                if let Answer::In(permit) = ask(&bulkhead) {
                    bulkhead.release(permit, epoch);
                }
            })
        };
        go_last();
        bulkhead.reconfigure(config(1, 0), epoch()).expect("valid");
        other.join().expect("ended");
        all_are_back(&bulkhead, 1);
    });
}

/// A3: a slot becomes free just as the wait of its waiter ends. The waiter is admitted or not, and the slot is in use
/// or free.
#[test]
fn a_slot_that_is_given_as_the_wait_ends_is_neither_lost_nor_given_twice() {
    // Loom runs one order after another, so the results are collected outside of the model.
    static SEEN: [AtomicBool; 2] = [const { AtomicBool::new(false) }; 2];
    loom::model(|| {
        let config = config(1, 1).max_wait(MOMENT);
        let bulkhead = Arc::new(Bulkhead::new(config, epoch()).expect("valid"));
        let permit = enter(&bulkhead);
        let Answer::Waits(waiter) = ask(&bulkhead) else {
            panic!("there is room to wait");
        };
        let other = {
            let bulkhead = Arc::clone(&bulkhead);
            // Releases the slot before the wait ends, by this thread's clock.
            thread::spawn(move || bulkhead.release(permit, epoch))
        };
        go_last();
        let gave_up = bulkhead.expire(&waiter, epoch() + MOMENT);
        other.join().expect("ended");
        match (gave_up, hear(&waiter)) {
            (Some(why), None) => {
                assert_eq!(why, Dropped::TimedOut);
                SEEN[0].store(true, Ordering::Relaxed);
            }
            (None, Some(permit)) => {
                bulkhead.release(permit, epoch);
                SEEN[1].store(true, Ordering::Relaxed);
            }
            (gave_up, heard) => panic!("gave up: {gave_up:?}, admitted: {}", heard.is_some()),
        }
        all_are_back(&bulkhead, 1);
    });
    assert!(SEEN.iter().all(|seen| seen.load(Ordering::Relaxed)));
}

/// The limit is raised while a slot is released: both waiters are admitted, each once.
#[test]
fn a_limit_that_is_raised_as_a_call_ends_lets_in_one_for_each() {
    loom::model(|| {
        let bulkhead = shared(1, 2);
        let permit = enter(&bulkhead);
        let (Answer::Waits(first), Answer::Waits(second)) = (ask(&bulkhead), ask(&bulkhead)) else {
            panic!("there is room to wait");
        };
        let other = {
            let bulkhead = Arc::clone(&bulkhead);
            thread::spawn(move || bulkhead.release(permit, epoch))
        };
        go_last();
        bulkhead.reconfigure(config(2, 2), epoch()).expect("valid");
        other.join().expect("ended");
        for waiter in [first, second] {
            let permit = hear(&waiter).expect("there is room for both");
            bulkhead.release(permit, epoch);
        }
        all_are_back(&bulkhead, 2);
    });
}

/// The limit is lowered while a call ends and another arrives: a call that was queued is admitted all the same.
#[test]
fn a_limit_that_is_lowered_strands_no_waiter() {
    loom::model(|| {
        let bulkhead = shared(2, 1);
        let permits = [enter(&bulkhead), enter(&bulkhead)];
        let other = {
            let bulkhead = Arc::clone(&bulkhead);
            thread::spawn(move || permits.map(|permit| bulkhead.release(permit, epoch)))
        };
        go_last();
        bulkhead.reconfigure(config(1, 1), epoch()).expect("valid");
        let answer = ask(&bulkhead);
        other.join().expect("ended");
        match answer {
            Answer::In(permit) => bulkhead.release(permit, epoch),
            Answer::Waits(waiter) => {
                let permit = hear(&waiter).expect("both others have ended");
                bulkhead.release(permit, epoch);
            }
            Answer::No => panic!("there is room to wait"),
        }
        all_are_back(&bulkhead, 1);
    });
}

fn halves() -> BulkheadConfig {
    let shares = PartitionsConfig::default().share("a", Ratio::HALF);
    config(2, 1).partitions(shares)
}

/// Acquires a slot for a partition as a shell does.
fn ask_for(bulkhead: &Bulkhead, name: &str) -> Answer {
    if let Some(permit) = bulkhead.try_acquire() {
        return Answer::In(permit);
    }
    match bulkhead.acquire_by(|| Some(name), || 0, WaitParams::default, epoch) {
        Admission::Admitted { permit, .. } => Answer::In(permit),
        Admission::Waiting(waiter) => Answer::Waits(waiter),
        Admission::Rejected(_) => Answer::No,
    }
}

/// Partitions are added while a call ends that took its slot without a name, and another arrives with a name.
#[test]
fn partitions_that_come_as_a_call_ends_neither_make_nor_lose_tokens() {
    loom::model(|| {
        let bulkhead = shared(2, 1);
        let permit = enter(&bulkhead);
        let other = {
            let bulkhead = Arc::clone(&bulkhead);
            thread::spawn(move || {
                bulkhead.release(permit, epoch);
                match ask_for(&bulkhead, "a") {
                    Answer::In(permit) => bulkhead.release(permit, epoch),
                    _ => panic!("there is room"),
                }
            })
        };
        go_last();
        bulkhead.reconfigure(halves(), epoch()).expect("valid");
        other.join().expect("ended");
        let snapshot = bulkhead.snapshot(epoch());
        assert_eq!(snapshot.in_flight, 0);
        assert!(snapshot.partitions.iter().all(|part| part.in_flight == 0));
        all_are_back(&bulkhead, 2);
    });
}

/// Two calls end, and each of the two waiters gets one slot; afterwards no partition has a call in flight.
#[test]
fn calls_of_partitions_that_end_at_once_admit_one_waiter_each() {
    loom::model(|| {
        let bulkhead = Arc::new(Bulkhead::new(halves(), epoch()).expect("valid"));
        let begin = |name| match ask_for(&bulkhead, name) {
            Answer::In(permit) => permit,
            _ => panic!("there is room"),
        };
        let permits = [begin("a"), begin("a")];
        let wait = |name| match ask_for(&bulkhead, name) {
            Answer::Waits(waiter) => waiter,
            _ => panic!("there is room to wait"),
        };
        let places = [wait("a"), wait("z")];
        let [one, other] = permits;
        let thread = {
            let bulkhead = Arc::clone(&bulkhead);
            thread::spawn(move || bulkhead.release(one, epoch))
        };
        go_last();
        bulkhead.release(other, epoch);
        thread.join().expect("ended");
        for waiter in places {
            let permit = hear(&waiter).expect("two have ended");
            bulkhead.release(permit, epoch);
        }
        let snapshot = bulkhead.snapshot(epoch());
        assert!(snapshot.partitions.iter().all(|part| part.in_flight == 0));
        all_are_back(&bulkhead, 2);
    });
}

const MOMENT: std::time::Duration = std::time::Duration::from_millis(1);
