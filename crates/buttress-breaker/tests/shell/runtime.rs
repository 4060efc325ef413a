use std::time::Duration;

use ::http::Response;
use buttress_breaker::{BreakerService, CircuitState};
use buttress_core::Reason;
use buttress_testkit::{CountingWaker, ReadyProbe, Script};
use tower::{Service, ServiceExt};

use crate::support::{
    OPEN_FOR, behind, breaker, call, failure, half_open, pass, poll_ready, reason, request,
    success, waiting_behind,
};

/// Without a runtime nothing is spawned, and no timer is created.
#[test]
fn it_works_outside_a_runtime() {
    for behind in [behind, waiting_behind] {
        let breaker = breaker();
        let (service, probe) = behind(&breaker);
        probe.script(failure());
        for _ in 0..3 {
            assert_eq!(reason(&call_by_hand(&service)), None);
        }
        assert_eq!(breaker.state(), CircuitState::Open);
        // A service that is configured to wait cannot, so it rejects.
        assert_eq!(reason(&call_by_hand(&service)), Some(Reason::CircuitOpen));

        probe.script(success());
        breaker.reset();
        call_by_hand(&service).unwrap();
    }
}

/// F08. Nor is a timer created in a runtime without timers, where tokio panics.
#[test]
fn in_a_runtime_without_timers_a_service_rejects_instead_of_waiting() {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime
        .expect("a runtime without drivers can be built")
        .block_on(async {
            let breaker = breaker();
            let (service, _) = waiting_behind(&breaker);
            breaker.trip();
            let refused = call_by_hand(&service);
            assert_eq!(reason(&refused), Some(Reason::CircuitOpen));
        });
}

fn call_by_hand(
    service: &BreakerService<ReadyProbe>,
) -> Result<Response<buttress_testkit::TestBody>, buttress_core::BoxError> {
    let mut service = service.clone();
    let task = CountingWaker::new();
    let ready = poll_ready(&mut service, &task);
    assert!(ready.is_ready(), "it would never be woken");
    let mut future = Box::pin(service.call(request()));
    match task.poll_future(future.as_mut()) {
        std::task::Poll::Ready(result) => result,
        std::task::Poll::Pending => panic!("the inner service responds at once"),
    }
}

/// Defect B16 of tower-resilience: it uses std's clock, which a test cannot pause.
#[tokio::test(start_paused = true)]
async fn a_paused_clock_drives_it() {
    let breaker = breaker();
    let (service, _) = behind(&breaker);
    breaker.trip();
    pass(OPEN_FOR - Duration::from_millis(1)).await;
    assert_eq!(reason(&call(&service).await), Some(Reason::CircuitOpen));
    pass(Duration::from_millis(1)).await;
    call(&service).await.unwrap();
    assert_eq!(breaker.state(), CircuitState::HalfOpen);
}

#[tokio::test(start_paused = true)]
async fn thirty_days_pass_over_a_closed_circuit() {
    let breaker = breaker();
    let (service, probe) = behind(&breaker);
    probe.script_next(failure());
    probe.script_next(failure());
    for _ in 0..2 {
        call(&service).await.unwrap_err();
    }
    pass(THIRTY_DAYS).await;
    // Defect B22 of tower-resilience: its counts include calls that have left the window.
    assert_eq!(breaker.snapshot().counts.calls, 0);
    call(&service).await.unwrap();
    assert_eq!(breaker.snapshot().counts.calls, 1);
    assert_eq!(breaker.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn thirty_days_pass_over_an_open_circuit_in_one_step() {
    let breaker = breaker();
    let (service, _) = behind(&breaker);
    breaker.trip();
    let epoch = breaker.snapshot().epoch;
    pass(THIRTY_DAYS).await;
    call(&service).await.unwrap();
    assert_eq!(breaker.snapshot().epoch, epoch + 1);
    assert_eq!(breaker.state(), CircuitState::HalfOpen);
}

/// The probes' leases and the half-open time have long ended: one transition, and the old probe's outcome is ignored.
#[tokio::test(start_paused = true)]
async fn thirty_days_pass_over_a_half_open_circuit_in_one_step() {
    let breaker = breaker();
    let (service, probe) = behind(&breaker);
    half_open(&breaker).await;
    probe.script_next(Script::new());
    let hung = tokio::spawn(service.clone().oneshot(request()));
    tokio::task::yield_now().await;
    let epoch = breaker.snapshot().epoch;

    pass(THIRTY_DAYS).await;
    assert_eq!(reason(&call(&service).await), Some(Reason::CircuitOpen));
    assert_eq!(breaker.snapshot().epoch, epoch + 1);
    hung.abort();
    assert!(hung.await.unwrap_err().is_cancelled());
    assert_eq!(breaker.snapshot().epoch, epoch + 1);
}

const THIRTY_DAYS: Duration = Duration::from_secs(30 * 24 * 60 * 60);
