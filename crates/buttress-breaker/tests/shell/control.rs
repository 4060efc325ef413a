//! The operations for operators.

use std::time::Duration;

use buttress_breaker::{Breaker, CircuitState, OpenDuration, Window};
use buttress_core::{Ratio, Reason, Rejection};

use crate::support::{
    OPEN_FOR, behind, breaker, call, config, failure, half_open, pass, reason, success,
};

#[tokio::test(start_paused = true)]
async fn an_isolation_lasts_until_its_last_guard_is_dropped() {
    let breaker = breaker();
    let (service, probe) = behind(&breaker);
    let first = breaker.isolate("maintenance");
    let second = breaker.isolate("an incident");
    assert_eq!(breaker.snapshot().isolations, 2);
    drop(first);
    assert_eq!(reason(&call(&service).await), Some(Reason::CircuitIsolated));
    assert_eq!(breaker.state(), CircuitState::Isolated);
    drop(second);
    call(&service).await.unwrap();
    assert_eq!(probe.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn neither_time_nor_a_reset_ends_an_isolation() {
    let breaker = breaker();
    let (service, _) = behind(&breaker);
    breaker.trip();
    let guard = breaker.isolate("maintenance");
    pass(10 * OPEN_FOR).await;
    breaker.reset();
    let refused = call(&service).await.unwrap_err();
    let rejection = Rejection::find(&*refused).unwrap();
    assert_eq!(rejection.reason(), Reason::CircuitIsolated);
    // The end of an isolation is unknown.
    assert_eq!(rejection.retry_after(), None);
    drop(guard);
    assert_eq!(breaker.state(), CircuitState::Closed);
}

/// X07 of tower-resilience loses the name of the rejecting layer.
#[tokio::test(start_paused = true)]
async fn a_rejection_names_its_layer_and_when_to_retry() {
    let breaker = breaker();
    let (service, probe) = behind(&breaker);
    breaker.trip();
    pass(Duration::from_secs(4)).await;
    let error = call(&service).await.unwrap_err();
    let rejection = Rejection::find(&*error).unwrap();
    assert_eq!(rejection.layer(), "test");
    assert_eq!(rejection.reason(), Reason::CircuitOpen);
    assert_eq!(rejection.retry_after(), Some(Duration::from_secs(6)));
    assert_eq!(probe.calls(), 0);
    // Readiness is still polled: an error of the inner service is returned in any state of the circuit.
    assert_eq!(probe.readied().len(), 1);
}

/// Defect B04 of tower-resilience: `force_open` on an open circuit does not restart its timer.
#[tokio::test(start_paused = true)]
async fn tripping_an_open_circuit_restarts_its_open_time() {
    let breaker = breaker();
    breaker.trip();
    pass(OPEN_FOR - Duration::from_secs(1)).await;
    breaker.trip();
    assert_eq!(breaker.snapshot().next_probe_in, Some(OPEN_FOR));
    pass(OPEN_FOR - Duration::from_secs(1)).await;
    assert_eq!(breaker.state(), CircuitState::Open);
}

/// Defect B03 of tower-resilience: `reset` does nothing to a closed circuit, and the next failure opens it.
#[tokio::test(start_paused = true)]
async fn a_reset_clears_the_counts_of_a_closed_circuit() {
    let breaker = breaker();
    let (service, probe) = behind(&breaker);
    probe.script(failure());
    for _ in 0..2 {
        call(&service).await.unwrap_err();
    }
    breaker.reset();
    let snapshot = breaker.snapshot();
    assert_eq!(snapshot.counts.calls, 0);
    assert_eq!(snapshot.consecutive_failures, 0);
    for _ in 0..2 {
        call(&service).await.unwrap_err();
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
    call(&service).await.unwrap_err();
    assert_eq!(breaker.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn a_new_open_time_counts_from_when_the_circuit_opened() {
    let breaker = breaker();
    breaker.trip();
    pass(Duration::from_secs(4)).await;
    let longer = config().open_for(OpenDuration::Fixed(3 * OPEN_FOR));
    breaker.reconfigure(longer).unwrap();
    let snapshot = breaker.snapshot();
    assert_eq!(snapshot.state, CircuitState::Open);
    assert_eq!(snapshot.next_probe_in, Some(Duration::from_secs(26)));
}

#[tokio::test(start_paused = true)]
async fn a_new_configuration_keeps_the_counts() {
    let breaker = Breaker::new("test", config().window(Window::Count(100)));
    let (service, probe) = behind(&breaker);
    for script in [success(), success(), failure(), failure()] {
        probe.script_next(script);
        let _ = call(&service).await;
    }
    let before = breaker.snapshot();
    assert_eq!((before.counts.calls, before.counts.failures), (4, 2));

    let wider = config()
        .window(Window::Count(1_000))
        .minimum_calls(5)
        .failure_ratio(Ratio::HALF);
    breaker.reconfigure(wider.clone()).unwrap();
    assert_eq!(breaker.config(), wider);
    let after = breaker.snapshot();
    assert_eq!(after.counts, before.counts);
    assert_eq!(after.consecutive_failures, 2);
    // Earlier counts are kept: the third consecutive failure opens it.
    probe.script_next(failure());
    call(&service).await.unwrap_err();
    assert_eq!(breaker.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn an_invalid_configuration_changes_nothing() {
    let breaker = breaker();
    breaker.trip();
    let before = (breaker.config(), breaker.snapshot());
    // Defect B08 of tower-resilience: without probes a circuit could never close again.
    let error = breaker.reconfigure(config().probes(0)).unwrap_err();
    assert_eq!((error.field(), error.value()), ("probes", "0"));
    assert_eq!((breaker.config(), breaker.snapshot()), before);
    assert_eq!(
        Breaker::try_new("test", config().probes(0)).unwrap_err(),
        error
    );
}

#[tokio::test(start_paused = true)]
async fn probes_continue_under_a_new_configuration() {
    let breaker = breaker();
    let (service, _) = behind(&breaker);
    half_open(&breaker).await;
    call(&service).await.unwrap();
    breaker.reconfigure(config().probes(3)).unwrap();
    call(&service).await.unwrap();
    assert_eq!(breaker.state(), CircuitState::HalfOpen);
    call(&service).await.unwrap();
    assert_eq!(breaker.state(), CircuitState::Closed);
}
