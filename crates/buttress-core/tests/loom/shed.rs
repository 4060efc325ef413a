//! Every interleaving of calls that are admitted or shed, and of their samples.

use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use buttress_core::limit::{Limit, LimitConfig, Sample};
use buttress_core::queue::Order;
use buttress_core::shares::SharesConfig;
use buttress_core::shed::{Admission, Call, Permit, Shed, ShedConfig, Waiter};
use buttress_core::{FailureKind, Report, StripeIndex, ThrottleConfig};
use loom::sync::Arc;
use loom::thread;

const SECOND: Duration = Duration::from_secs(1);

/// Limits the preemptions of a model's threads: more take hours, and have found no further faults.
fn model(interrupted: usize, run: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(interrupted);
    // The setup before the threads start takes many steps, none of which branches.
    builder.max_branches = 100_000;
    builder.check(run);
}

#[allow(clippy::disallowed_methods)]
fn epoch() -> Instant {
    static EPOCH: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    *EPOCH.get_or_init(Instant::now)
}

fn later() -> Instant {
    epoch() + SECOND
}

fn config(limit: impl Into<LimitConfig>, queue: usize) -> ShedConfig {
    ShedConfig::default()
        .limit(limit)
        .queue(queue)
        .order(Order::Fifo)
        .max_wait(None)
}

fn shared(config: ShedConfig) -> Arc<Shed> {
    Arc::new(Shed::new(config, 7, epoch()).expect("valid"))
}

enum Answer {
    In(Permit),
    Waits(Waiter),
    No,
}

fn ask(shed: &Shed) -> Answer {
    let stripe = shed.stripe(StripeIndex::current());
    if !shed.samples(&stripe)
        && let Some(permit) = shed.try_admit(&stripe)
    {
        return Answer::In(permit);
    }
    match shed.admit(Call::default(), || 0, epoch) {
        Admission::Admitted { permit, .. } => Answer::In(permit),
        Admission::Waiting(waiter) => Answer::Waits(waiter),
        Admission::Rejected(_) => Answer::No,
    }
}

fn enter(shed: &Shed) -> Permit {
    match ask(shed) {
        Answer::In(permit) => permit,
        _ => panic!("there is room"),
    }
}

fn end(shed: &Shed, mut permit: Permit) {
    shed.settle(&mut permit, Report::SUCCESS, later);
    shed.release(permit, later);
}

fn hear(shed: &Shed, waiter: &Waiter) -> Option<Permit> {
    match shed.poll(waiter, Waker::noop(), || 0, epoch) {
        Poll::Ready(Ok(permit)) => Some(permit),
        Poll::Ready(Err(refusal)) => panic!("{refusal:?}"),
        Poll::Pending => None,
    }
}

/// Checks that no call is in flight or waits, and that as many are admitted as the limit allows.
fn is_idle(shed: &Shed) {
    let snapshot = shed.snapshot(epoch());
    assert_eq!((snapshot.in_flight, snapshot.queued), (0, 0));
    if let Some(throttle) = snapshot.throttle {
        assert_eq!(throttle.sent, throttle.accepted + throttle.refused);
    }
    let permits: Vec<_> = (0..snapshot.limit.limit).map(|_| enter(shed)).collect();
    assert!(!matches!(ask(shed), Answer::In(_)), "more than the limit");
    for permit in permits {
        shed.release(permit, epoch);
    }
}

/// Every sample is counted in exactly one window.
#[test]
fn no_sample_of_a_window_is_lost_or_counted_twice() {
    model(3, || {
        let config = LimitConfig::aimd(SECOND).initial(10).max(10);
        let limit = Arc::new(Limit::new(config, epoch()).expect("valid"));
        // The number of calls of one second that the window counted: one over their mean distance.
        let add = |limit: &Limit, seconds: u32| {
            // Slow calls, so that `each` is determined by the samples of the window and not by the limit.
            let sample = Sample::success(SECOND, 10);
            let step = limit.on_sample(|| epoch() + seconds * SECOND, sample)?;
            Some((1.0 / step.each.as_secs_f64()).round() as u32)
        };
        for _ in 0..14 {
            assert_eq!(add(&limit, 1), None);
        }
        let other = {
            let limit = Arc::clone(&limit);
            thread::spawn(move || [add(&limit, 1), add(&limit, 1)])
        };
        let mine = [add(&limit, 1), add(&limit, 1)];
        let theirs = other.join().expect("ended");
        let counted = mine.into_iter().chain(theirs).flatten();
        let counted: Vec<_> = counted.collect();
        assert_eq!(counted.len(), 1, "one of them takes the step: {counted:?}");

        let mut added = 18;
        let rest = loop {
            added += 1;
            if let Some(rest) = add(&limit, 2) {
                break rest;
            }
        };
        assert_eq!(counted[0] + rest, added);
    });
}

#[test]
fn calls_that_come_and_end_leave_nothing_behind() {
    model(3, || {
        let shed = shared(config(1, 0));
        let other = {
            let shed = Arc::clone(&shed);
            thread::spawn(move || {
                if let Answer::In(permit) = ask(&shed) {
                    end(&shed, permit);
                }
            })
        };
        if let Answer::In(permit) = ask(&shed) {
            end(&shed, permit);
        }
        other.join().expect("ended");
        is_idle(&shed);
    });
}

/// A slot that is released just when a call finds none is assigned to that call once it waits.
#[test]
fn a_waiter_is_admitted() {
    model(3, || {
        let shed = shared(config(1, 1));
        let permit = enter(&shed);
        let other = {
            let shed = Arc::clone(&shed);
            thread::spawn(move || ask(&shed))
        };
        end(&shed, permit);
        let permit = match other.join().expect("ended") {
            Answer::In(permit) => permit,
            Answer::Waits(waiter) => hear(&shed, &waiter).expect("the waiter was given back"),
            Answer::No => panic!("there is room to wait"),
        };
        assert_eq!(shed.snapshot(epoch()).in_flight, 1);
        end(&shed, permit);
        is_idle(&shed);
    });
}

/// A waiter that leaves while it is assigned a slot passes the slot on.
#[test]
fn a_slot_assigned_to_a_leaving_waiter_goes_to_the_next() {
    model(3, || {
        let shed = shared(config(1, 2));
        let permit = enter(&shed);
        let (Answer::Waits(first), Answer::Waits(second)) = (ask(&shed), ask(&shed)) else {
            panic!("there is room to wait");
        };
        let other = {
            let shed = Arc::clone(&shed);
            thread::spawn(move || shed.leave(first, epoch))
        };
        end(&shed, permit);
        other.join().expect("ended");
        let permit = hear(&shed, &second).expect("it is its turn");
        end(&shed, permit);
        is_idle(&shed);
    });
}

/// A waiter that expires and the thread that admits it agree on the result.
#[test]
fn a_waiter_that_expires_is_either_admitted_or_rejected() {
    model(3, || {
        let wait = Duration::from_millis(1);
        let shed = shared(config(1, 1).max_wait(wait));
        let permit = enter(&shed);
        let Answer::Waits(waiter) = ask(&shed) else {
            panic!("there is room to wait");
        };
        let other = {
            let shed = Arc::clone(&shed);
            thread::spawn(move || match shed.expire(&waiter, || 0, epoch() + wait) {
                Some(_) => None,
                None => Some(waiter),
            })
        };
        // Before the wait is over, by this thread's clock.
        end_at(&shed, permit, epoch);
        if let Some(waiter) = other.join().expect("ended") {
            let permit = hear(&shed, &waiter).expect("it was admitted first");
            end(&shed, permit);
        }
        is_idle(&shed);
    });
}

fn end_at(shed: &Shed, mut permit: Permit, now: fn() -> Instant) {
    shed.settle(&mut permit, Report::SUCCESS, now);
    shed.release(permit, now);
}

/// The limit changes by a step while an operator changes its bounds: the gate keeps the last value.
#[test]
fn the_gate_uses_the_last_limit() {
    model(3, || {
        let limit = LimitConfig::aimd(2 * SECOND).initial(4).min(1);
        let shed = shared(config(limit.clone(), 0));
        // The next call that ends causes the step.
        for _ in 0..15 {
            let permits = [enter(&shed), enter(&shed), enter(&shed), enter(&shed)];
            let [last, others @ ..] = permits;
            end(&shed, last);
            for permit in others {
                shed.release(permit, epoch);
            }
        }
        let permits = [(); 4].map(|()| enter(&shed));
        let [last, others @ ..] = permits;
        let other = {
            let shed = Arc::clone(&shed);
            thread::spawn(move || {
                let lower = config(limit.max(3).initial(3), 0);
                shed.reconfigure(lower, epoch()).expect("valid");
            })
        };
        end(&shed, last);
        other.join().expect("ended");
        for permit in others {
            shed.release(permit, epoch);
        }
        assert_eq!(shed.limit(), 3);
        is_idle(&shed);
    });
}

/// Two consecutive steps may reach the gate in the opposite order: the later step wins.
#[test]
fn a_step_is_never_lost_to_an_older_one() {
    model(2, || {
        let limit = LimitConfig::aimd(2 * SECOND).initial(10).min(1);
        let shed = shared(config(limit, 0));
        for _ in 0..15 {
            end(&shed, enter(&shed));
        }
        // The next sample causes a step down, and sixteen calls later another follows.
        let refused = Report::failure(FailureKind::Overload);
        let mut first = enter(&shed);
        let other = {
            let shed = Arc::clone(&shed);
            thread::spawn(move || {
                shed.settle(&mut first, refused, later);
                shed.release(first, later);
            })
        };
        for _ in 0..16 {
            let mut permit = enter(&shed);
            shed.settle(&mut permit, refused, later);
            shed.release(permit, later);
        }
        other.join().expect("ended");
        assert!((8..=9).contains(&shed.limit()), "{}", shed.limit());
        is_idle(&shed);
    });
}

/// The throttle and the shares stop counting a call when it ends, in either order.
#[test]
fn what_else_counts_a_call_forgets_it_with_it() {
    model(2, || {
        let config = config(1, 1)
            .throttle(ThrottleConfig::default())
            .shares(SharesConfig::default());
        let shed = shared(config);
        let permit = enter(&shed);
        let other = {
            let shed = Arc::clone(&shed);
            thread::spawn(move || match ask(&shed) {
                Answer::In(permit) => drop(shed.release(permit, epoch)),
                Answer::Waits(waiter) => shed.leave(waiter, epoch),
                Answer::No => {}
            })
        };
        end(&shed, permit);
        other.join().expect("ended");
        let snapshot = shed.snapshot(epoch());
        let throttle = snapshot.throttle.expect("there is one");
        assert_eq!((snapshot.in_flight, snapshot.queued), (0, 0));
        assert_eq!((throttle.sent, throttle.accepted), (1, 1));
        end(&shed, enter(&shed));
    });
}
