//! `WhenSaturated::Unready`, half-open: which service holds a probe slot, and which gets it next.

use std::time::Duration;

use buttress_breaker::{Breaker, CircuitState};
use buttress_core::Reason;

use crate::support::{config, half_open, pass, reason, waiting_behind};
use crate::waiter::{Waiter, ready_among, waiters};

/// Defect B12 of tower-resilience: ten clones become ready, one call passes and nine fail with `OpenCircuit`.
#[tokio::test(start_paused = true)]
async fn one_clone_for_each_probe_becomes_ready_and_none_is_rejected() {
    let breaker = Breaker::new("test", config().probes(3));
    let (service, probe) = waiting_behind(&breaker);
    half_open(&breaker).await;

    let mut waiters = waiters::<10>(&service);
    assert_eq!(ready_among(&mut waiters), 3);
    let (probing, waiting) = waiters.split_at_mut(3);
    let mut probes: Vec<_> = probing.iter_mut().map(Waiter::call).collect();
    assert_eq!(probe.calls(), 3);
    assert_eq!(ready_among(waiting), 0);

    for probe in &mut probes {
        probe.await.unwrap();
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
    assert_eq!(ready_among(waiting), 7);
    for waiter in waiting {
        waiter.call().await.unwrap();
    }
    assert_eq!(probe.calls(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_readied_clone_that_is_dropped_gives_its_slot_to_the_next() {
    let breaker = Breaker::new("test", config().probes(1));
    let (service, _) = waiting_behind(&breaker);
    half_open(&breaker).await;
    let [mut first, mut second, mut third] = waiters(&service);
    assert!(first.is_ready());
    assert!(!second.is_ready());
    assert!(!third.is_ready());

    drop(first);
    assert_eq!((second.task.wakes(), third.task.wakes()), (1, 0));
    assert!(second.is_ready());
    second.call().await.unwrap();
    assert_eq!(breaker.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_is_dropped_when_woken_wakes_the_next() {
    let breaker = Breaker::new("test", config().probes(1));
    let (service, _) = waiting_behind(&breaker);
    half_open(&breaker).await;
    let [mut first, mut second, mut third] = waiters(&service);
    assert!(first.is_ready());
    assert!(!second.is_ready());
    assert!(!third.is_ready());

    drop(first);
    assert_eq!(second.task.wakes(), 1);
    drop(second);
    assert_eq!(third.task.wakes(), 1);
    assert!(third.is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_probe_gives_its_slot_to_the_next() {
    let breaker = Breaker::new("test", config().probes(1));
    let (service, probe) = waiting_behind(&breaker);
    half_open(&breaker).await;
    probe.hold();
    let [mut first, mut second] = waiters(&service);
    assert!(first.is_ready());
    let call = first.call();
    assert!(!second.is_ready());

    drop(call);
    assert_eq!(second.task.wakes(), 1);
    assert!(second.is_ready());
}

/// A clone that is ready but never called does not make others wait forever.
#[tokio::test(start_paused = true)]
async fn a_slot_with_an_expired_lease_goes_to_a_waiter() {
    let breaker = Breaker::new("test", config().probes(1).probe_timeout(SECOND));
    let (service, _) = waiting_behind(&breaker);
    half_open(&breaker).await;
    let [mut idle, mut waiter] = waiters(&service);
    assert!(idle.is_ready());
    assert!(!waiter.is_ready());

    pass(SECOND + Duration::from_millis(1)).await;
    assert_eq!(waiter.task.wakes(), 1);
    assert!(waiter.is_ready());
}

/// The reservation has expired, so the call is decided when it is made.
#[tokio::test(start_paused = true)]
async fn an_expired_reservation_is_decided_again_at_the_call() {
    let breaker = Breaker::new("test", config().probes(1).probe_timeout(SECOND));
    let (service, probe) = waiting_behind(&breaker);
    half_open(&breaker).await;
    let [mut idle, mut other] = waiters(&service);
    assert!(idle.is_ready());
    pass(2 * SECOND).await;
    assert!(other.is_ready());
    let rejected = idle.call().await;
    assert_eq!(reason(&rejected), Some(Reason::CircuitHalfOpen));
    assert_eq!(probe.calls(), 0);
    // It did not take the other call's slot.
    other.call().await.unwrap();

    // If a slot is free by then, the call gets it.
    half_open(&breaker).await;
    let [mut idle] = waiters(&service);
    assert!(idle.is_ready());
    pass(2 * SECOND).await;
    idle.call().await.unwrap();
    assert_eq!(breaker.state(), CircuitState::Closed);
}

/// The lease starts when the call is made, and not when its slot was reserved.
#[tokio::test(start_paused = true)]
async fn the_lease_of_a_readied_probe_starts_at_the_call() {
    let breaker = Breaker::new("test", config().probes(1).probe_timeout(2 * SECOND));
    let (service, probe) = waiting_behind(&breaker);
    half_open(&breaker).await;
    probe.hold();
    let [mut waiter] = waiters(&service);
    assert!(waiter.is_ready());
    pass(SECOND).await;
    let call = waiter.call();
    pass(SECOND + SECOND / 2).await;
    assert_eq!(breaker.snapshot().probes_under_way, 1);
    probe.let_go();
    call.await.unwrap();
    assert_eq!(breaker.state(), CircuitState::Closed);
}

/// The clone with the slot cannot use it, but another one with a ready inner service can.
#[tokio::test(start_paused = true)]
async fn a_clone_with_an_unready_inner_service_holds_no_slot() {
    let breaker = Breaker::new("test", config().probes(1));
    let (service, probe) = waiting_behind(&breaker);
    half_open(&breaker).await;
    let [mut stuck, mut other] = waiters(&service);
    probe.not_ready();
    assert!(!stuck.is_ready());
    probe.ready();
    assert!(other.is_ready());
    other.call().await.unwrap();
    assert_eq!(breaker.state(), CircuitState::Closed);
    assert!(stuck.is_ready());
}

const SECOND: Duration = Duration::from_secs(1);
