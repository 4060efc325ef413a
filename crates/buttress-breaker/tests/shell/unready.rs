//! `WhenSaturated::Unready`: clones wait instead of being rejected, without needless polls.

use std::time::Duration;

use buttress_breaker::{Breaker, CircuitState, OpenDuration};
use buttress_core::Mode;
use buttress_testkit::Script;
use tower::ServiceExt;

use crate::support::{
    OPEN_FOR, breaker, call, config, half_open, pass, request, success, waiting_behind,
};
use crate::waiter::{Waiter, ready_among, waiters};

#[tokio::test(start_paused = true)]
async fn clones_wait_for_an_open_circuit_and_are_woken_once() {
    let breaker = breaker();
    let (service, _) = waiting_behind(&breaker);
    breaker.trip();
    let mut waiters = waiters::<2>(&service);
    assert_eq!(ready_among(&mut waiters), 0);

    pass(OPEN_FOR - SECOND).await;
    assert!(waiters.iter().all(|waiter| waiter.task.wakes() == 0));
    // A timer may be a millisecond late.
    pass(SECOND + Duration::from_millis(1)).await;
    assert!(waiters.iter().all(|waiter| waiter.task.wakes() == 1));
    assert_eq!(ready_among(&mut waiters), 2);
}

/// Defect B13 of tower-resilience: a waiter for a half-open circuit polls every millisecond.
#[tokio::test(start_paused = true)]
async fn a_waiter_is_polled_again_at_most_once_for_each_change() {
    let breaker = breaker();
    let (service, probe) = waiting_behind(&breaker);
    half_open(&breaker).await;
    probe.hold();
    let mut probing = waiters::<2>(&service);
    assert_eq!(ready_among(&mut probing), 2);
    let mut probes: Vec<_> = probing.iter_mut().map(Waiter::call).collect();

    let mut waiters = waiters::<4>(&service);
    assert_eq!(ready_among(&mut waiters), 0);
    // Half the lease of the probes, in timer steps.
    for _ in 0..5_000 {
        pass(Duration::from_millis(1)).await;
    }
    assert!(waiters.iter().all(|waiter| waiter.task.wakes() == 0));

    probe.let_go();
    probes.remove(0).await.unwrap();
    // The slot of a successful probe is not given to another: at most one waiter checks.
    let woken: usize = waiters.iter().map(|waiter| waiter.task.wakes()).sum();
    assert!(woken <= 1, "{woken} woken");
    assert_eq!(ready_among(&mut waiters), 0);
    probes.remove(0).await.unwrap();
    let woken: usize = waiters.iter().map(|waiter| waiter.task.wakes()).sum();
    assert!((4..=6).contains(&woken), "{woken} woken");
    assert_eq!(ready_among(&mut waiters), 4);
    for waiter in &waiters {
        assert_eq!(waiter.task.wakes_in_own_poll(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_isolation_wakes_the_waiters() {
    let breaker = breaker();
    let (service, _) = waiting_behind(&breaker);
    let isolation = breaker.isolate("maintenance");
    let mut waiters = waiters::<3>(&service);
    assert_eq!(ready_among(&mut waiters), 0);
    pass(1_000 * OPEN_FOR).await;
    assert!(waiters.iter().all(|waiter| waiter.task.wakes() == 0));

    drop(isolation);
    assert!(waiters.iter().all(|waiter| waiter.task.wakes() == 1));
    assert_eq!(ready_among(&mut waiters), 3);
}

/// The circuit was open before the isolation, so the waiters now wait for its open time.
#[tokio::test(start_paused = true)]
async fn the_end_of_an_isolation_keeps_the_open_time_of_an_open_circuit() {
    let breaker = breaker();
    let (service, _) = waiting_behind(&breaker);
    breaker.trip();
    let isolation = breaker.isolate("maintenance");
    let [mut waiter] = waiters(&service);
    assert!(!waiter.is_ready());
    drop(isolation);
    assert_eq!(waiter.task.wakes(), 1);
    assert!(!waiter.is_ready());
    pass(OPEN_FOR + Duration::from_millis(1)).await;
    assert_eq!(waiter.task.wakes(), 2);
    assert!(waiter.is_ready());
}

type Change = Box<dyn Fn(&Breaker)>;

#[tokio::test(start_paused = true)]
async fn an_operators_change_wakes_the_waiters() {
    let shorter = config().open_for(OpenDuration::Fixed(SECOND));
    let changes: [(&str, Change); 3] = [
        ("a reset", Box::new(Breaker::reset)),
        (
            "a shorter open time, which has ended",
            Box::new(move |breaker| breaker.reconfigure(shorter.clone()).unwrap()),
        ),
        (
            "a mode that admits calls",
            Box::new(|breaker| breaker.reconfigure(config().mode(Mode::Shadow)).unwrap()),
        ),
    ];
    for (what, change) in changes {
        let breaker = breaker();
        let (service, _) = waiting_behind(&breaker);
        breaker.trip();
        let [mut waiter] = waiters(&service);
        assert!(!waiter.is_ready());
        pass(2 * SECOND).await;

        change(&breaker);
        assert_eq!(waiter.task.wakes(), 1, "{what}");
        assert!(waiter.is_ready(), "{what}");
        waiter.call().await.unwrap();
    }
}

/// The probes fail: a waiter continues to wait, for the new open time.
#[tokio::test(start_paused = true)]
async fn waiters_continue_to_wait_when_the_probes_fail() {
    let breaker = Breaker::new("test", config().probes(1));
    let (service, probe) = waiting_behind(&breaker);
    half_open(&breaker).await;
    let [mut first, mut second] = waiters(&service);
    assert!(first.is_ready());
    assert!(!second.is_ready());
    probe.script_next(Script::new().err("still down"));
    first.call().await.unwrap_err();
    assert_eq!(breaker.state(), CircuitState::Open);

    assert!(!second.is_ready());
    pass(OPEN_FOR + Duration::from_millis(1)).await;
    assert!(second.is_ready());
    second.call().await.unwrap();
    assert_eq!(breaker.state(), CircuitState::Closed);
}

/// As a client uses it: only `ready` and `call`.
#[tokio::test(start_paused = true)]
async fn a_call_through_an_open_circuit_just_takes_longer() {
    let breaker = breaker();
    let (service, probe) = waiting_behind(&breaker);
    probe.script(success());
    breaker.trip();
    let started = tokio::time::Instant::now();
    let calls: Vec<_> = (0..10)
        .map(|_| tokio::spawn(service.clone().oneshot(request())))
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert!(started.elapsed() >= OPEN_FOR);
    assert_eq!(probe.calls(), 10);
    assert_eq!(breaker.state(), CircuitState::Closed);
    call(&service).await.unwrap();
}

const SECOND: Duration = Duration::from_secs(1);
