//! Every interleaving of those who come, wait, go away and end.
//!
//! `RUSTFLAGS="--cfg buttress_loom" cargo test -p buttress-core --release --test loom_bulkhead`

#![cfg(buttress_loom)]

use std::task::{Poll, Wake, Waker};
use std::time::Instant;

use buttress_core::StripeIndex;
use buttress_core::bulkhead::{Admission, Bulkhead, BulkheadConfig, Permit, Place, Verdict};
use buttress_core::queue::{Order, Terms};
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
    Waits(Place),
    No,
}

fn ask(bulkhead: &Bulkhead) -> Answer {
    if let Some(permit) = bulkhead.try_acquire(StripeIndex::current()) {
        return Answer::In(permit);
    }
    match bulkhead.acquire(|| 0, Terms::default, epoch) {
        Admission::Admitted { permit, .. } => Answer::In(permit),
        Admission::Waiting(place) => Answer::Waits(place),
        Admission::Rejected(_) => Answer::No,
    }
}

fn enter(bulkhead: &Bulkhead) -> Permit {
    match ask(bulkhead) {
        Answer::In(permit) => permit,
        _ => panic!("there is room"),
    }
}

/// A task that is polled again once it was woken.
#[derive(Default)]
struct Task(std::sync::Mutex<bool>);

impl Wake for Task {
    fn wake(self: std::sync::Arc<Self>) {
        *self.0.lock().expect("nobody panics") = true;
    }
}

fn hear(place: &Place) -> Option<Permit> {
    match place.poll(Waker::noop()) {
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
        call(&bulkhead, &inside);
        other.join().expect("ended");
        all_are_back(&bulkhead, 1);
    });
}

/// A place that is given back just when somebody finds none is not missed by whoever then waits.
#[test]
fn whoever_waits_is_let_in() {
    loom::model(|| {
        let bulkhead = shared(1, 1);
        let permit = enter(&bulkhead);
        let other = {
            let bulkhead = Arc::clone(&bulkhead);
            thread::spawn(move || ask(&bulkhead))
        };
        bulkhead.release(permit, epoch);
        let permit = match other.join().expect("ended") {
            Answer::In(permit) => permit,
            Answer::Waits(place) => hear(&place).expect("the place was given back"),
            Answer::No => panic!("there is room to wait"),
        };
        bulkhead.release(permit, epoch);
        all_are_back(&bulkhead, 1);
    });
}

/// Nobody is refused by two who look for one token in turn: one of them has it.
#[test]
fn one_of_two_gets_the_last_place() {
    loom::model(|| {
        let bulkhead = shared(1, 0);
        let permit = enter(&bulkhead);
        bulkhead.release(permit, epoch);
        let other = {
            let bulkhead = Arc::clone(&bulkhead);
            thread::spawn(move || ask(&bulkhead))
        };
        let mine = ask(&bulkhead);
        let answers = [mine, other.join().expect("ended")];
        let let_in = answers.iter().filter(|one| matches!(one, Answer::In(_)));
        assert_eq!(let_in.count(), 1);
    });
}

/// Whoever goes away while it is being let in passes its place on.
#[test]
fn a_place_given_to_one_who_leaves_goes_to_the_next() {
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
        bulkhead.release(permit, epoch);
        other.join().expect("ended");
        let permit = hear(&second).expect("the other left");
        bulkhead.release(permit, epoch);
        all_are_back(&bulkhead, 1);
    });
}

/// Whoever looks and then sleeps is woken by whoever lets it in.
#[test]
fn no_wakeup_is_lost() {
    loom::model(|| {
        let bulkhead = shared(1, 1);
        let permit = enter(&bulkhead);
        let Answer::Waits(place) = ask(&bulkhead) else {
            panic!("there is room to wait");
        };
        let other = {
            let bulkhead = Arc::clone(&bulkhead);
            thread::spawn(move || bulkhead.release(permit, epoch))
        };
        let task = std::sync::Arc::new(Task::default());
        let waker = Waker::from(std::sync::Arc::clone(&task));
        let early = place.poll(&waker).is_ready();
        other.join().expect("ended");
        let woken = *task.0.lock().expect("nobody panics");
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
        bulkhead.reconfigure(config(1, 0), epoch()).expect("valid");
        other.join().expect("ended");
        all_are_back(&bulkhead, 1);
    });
}
