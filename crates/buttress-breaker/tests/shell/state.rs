//! Which services share a circuit, and whose outcomes it records.

use std::time::Duration;

use buttress_breaker::{Breaker, BreakerLayer, CircuitState};
use buttress_core::{Ratio, Reason};
use buttress_testkit::{CountingWaker, ReadyProbe, Script};
use tower::{Layer, Service, ServiceExt};

use crate::support::{
    OPEN_FOR, behind, breaker, call, config, failure, half_open, pass, readied, reason, request,
    success,
};

/// Defects A03 and B18 of tower-resilience: each `Layer::layer` call creates its own circuit.
#[tokio::test(start_paused = true)]
async fn every_layer_call_of_one_breaker_shares_its_state() {
    let breaker = breaker();
    let layer = BreakerLayer::new(&breaker);
    let again = BreakerLayer::new(&breaker);
    let services: Vec<_> = [layer.clone(), layer, again]
        .iter()
        .map(|layer| {
            let (inner, probe) = ReadyProbe::new();
            probe.script(failure());
            layer.layer(inner)
        })
        .collect();
    for service in &services {
        call(service).await.unwrap_err();
    }
    for service in &services {
        assert_eq!(reason(&call(service).await), Some(Reason::CircuitOpen));
    }
}

/// Defect B21 of tower-resilience: a rejection decided in `poll_ready` is delivered after the circuit has closed.
#[tokio::test(start_paused = true)]
async fn a_clone_readied_under_an_open_circuit_is_decided_at_the_call() {
    let breaker = breaker();
    let (service, _) = behind(&breaker);
    breaker.trip();
    let mut early = readied(&service).await;
    breaker.reset();
    early.call(request()).await.unwrap();

    let mut early = readied(&service).await;
    breaker.trip();
    let refused = early.call(request()).await;
    assert_eq!(reason(&refused), Some(Reason::CircuitOpen));
}

/// Defects B05 and B06 of tower-resilience: the late result of a call that was admitted while the circuit was closed
/// reopens a half-open circuit, or closes it although the dependency is still down.
#[tokio::test(start_paused = true)]
async fn a_call_from_before_the_trip_does_not_decide_after_it() {
    for late in [success(), failure()] {
        let breaker = breaker();
        let (service, probe) = behind(&breaker);
        probe.hold();
        probe.script_next(late);
        let task = CountingWaker::new();
        let mut early = Box::pin(call(&service));
        assert!(task.poll_future(early.as_mut()).is_pending());

        half_open(&breaker).await;
        let mut probing = Box::pin(call(&service));
        assert!(task.poll_future(probing.as_mut()).is_pending());
        let before = breaker.snapshot();
        assert_eq!(before.state, CircuitState::HalfOpen);
        probe.let_go();
        let _ = early.await;
        assert_eq!(breaker.snapshot(), before);
        probing.await.unwrap();
    }
}

/// Defect B09 of tower-resilience: a probe that hangs keeps the circuit half-open forever.
#[tokio::test(start_paused = true)]
async fn a_hung_probe_releases_its_slot_when_its_lease_ends() {
    let lease = Duration::from_secs(5);
    let breaker = Breaker::new("test", config().probes(1).probe_timeout(lease));
    let (service, probe) = behind(&breaker);
    half_open(&breaker).await;
    probe.script_next(Script::new());
    let task = CountingWaker::new();
    let mut hung = Box::pin(call(&service));
    assert!(task.poll_future(hung.as_mut()).is_pending());
    assert_eq!(reason(&call(&service).await), Some(Reason::CircuitHalfOpen));

    pass(lease).await;
    call(&service).await.unwrap();
    assert_eq!(breaker.state(), CircuitState::Closed);
    drop(hung);
    assert_eq!(breaker.state(), CircuitState::Closed);
}

/// Defect B23 of tower-resilience: slow probes close a circuit that slow calls opened.
#[tokio::test(start_paused = true)]
async fn slow_probes_do_not_close_it() {
    let slow = Duration::from_secs(1);
    let breaker = Breaker::new("test", config().slow_calls(slow, Ratio::HALF));
    let (service, probe) = behind(&breaker);
    half_open(&breaker).await;
    probe.hold();
    let task = CountingWaker::new();
    let mut probing = Box::pin(call(&service));
    assert!(task.poll_future(probing.as_mut()).is_pending());
    pass(2 * slow).await;
    probe.let_go();
    probing.await.unwrap();
    assert_eq!(breaker.state(), CircuitState::Open);
    assert_eq!(breaker.snapshot().next_probe_in, Some(OPEN_FOR));
}

/// tower-resilience also does this (peers.md): with 200 callers, exactly three probes.
#[tokio::test(start_paused = true)]
async fn two_hundred_callers_send_no_more_probes_than_allowed() {
    let breaker = Breaker::new("test", config().probes(3));
    let (service, probe) = behind(&breaker);
    half_open(&breaker).await;
    probe.hold();
    let callers: Vec<_> = (0..200)
        .map(|_| tokio::spawn(service.clone().oneshot(request())))
        .collect();
    tokio::task::yield_now().await;
    probe.let_go();
    let mut passed = 0;
    for caller in callers {
        let result = caller.await.unwrap();
        match reason(&result) {
            Some(reason) => assert_eq!(reason, Reason::CircuitHalfOpen),
            None => passed += 1,
        }
    }
    assert_eq!((probe.calls(), passed), (3, 3));
}
