use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;

use ::http::Response;
use buttress_breaker::{BreakerLayer, CircuitState};
use buttress_testkit::{CountingWaker, ReadyProbe, Script};
use tower::{Layer, Service, ServiceExt};

use crate::support::{behind, breaker, call, failure, half_open, readied, request};

const POLLS: usize = 3;

fn slow() -> Script<Response<buttress_testkit::TestBody>> {
    Script::new().pending(POLLS).ok(Response::default())
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_at_any_poll_is_neither_success_nor_failure() {
    let breaker = breaker();
    let (service, probe) = behind(&breaker);
    for _ in 0..2 {
        probe.script_next(failure());
        call(&service).await.unwrap_err();
    }
    let before = breaker.snapshot();
    assert_eq!(before.consecutive_failures, 2);

    probe.script(slow());
    let task = CountingWaker::new();
    for polls in 0..=POLLS {
        let mut future = Box::pin(readied(&service).await.call(request()));
        for _ in 0..polls {
            assert!(task.poll_future(future.as_mut()).is_pending());
        }
        drop(future);
        assert_eq!(probe.in_flight(), 0, "after {polls} polls");
        assert_eq!(breaker.snapshot(), before, "after {polls} polls");
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_dropped_at_any_poll_returns_its_slot() {
    let breaker = breaker();
    let (service, probe) = behind(&breaker);
    half_open(&breaker).await;

    probe.script(slow());
    let task = CountingWaker::new();
    for polls in 0..=POLLS {
        let mut future = Box::pin(readied(&service).await.call(request()));
        for _ in 0..polls {
            assert!(task.poll_future(future.as_mut()).is_pending());
        }
        assert_eq!(breaker.snapshot().probes_under_way, 1);
        drop(future);
        assert_eq!(breaker.snapshot().probes_under_way, 0);
    }

    assert_eq!(breaker.state(), CircuitState::HalfOpen);
    for _ in 0..2 {
        call(&service).await.unwrap();
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_readied_clone_that_is_dropped_leaks_nothing() {
    let breaker = breaker();
    let (service, probe) = behind(&breaker);
    let before = breaker.snapshot();
    drop(readied(&service).await);
    assert_eq!(probe.reserved(), 0);
    assert_eq!(breaker.snapshot(), before);
}

/// The task panics outside the call, and our future is dropped, which is a cancellation. A `Drop` that checks
/// `std::thread::panicking` would take it for a failure of the dependency.
#[tokio::test(start_paused = true)]
async fn a_panic_elsewhere_in_the_task_is_a_cancellation() {
    let breaker = breaker();
    let (service, probe) = behind(&breaker);
    probe.script(Script::new());
    for _ in 0..10 {
        let service = service.clone();
        let task = tokio::spawn(async move {
            let mut call = pin!(service.oneshot(request()));
            assert!(CountingWaker::new().poll_future(call.as_mut()).is_pending());
            panic!("unrelated to the call");
        });
        assert!(task.await.unwrap_err().is_panic());
    }
    assert_eq!((probe.calls(), probe.in_flight()), (10, 0));
    assert_eq!(breaker.state(), CircuitState::Closed);
    let snapshot = breaker.snapshot();
    assert_eq!(
        (snapshot.counts.calls, snapshot.consecutive_failures),
        (0, 0)
    );
}

/// If a classifier panics, the outcome is unknown, and the slot is released.
#[tokio::test(start_paused = true)]
async fn a_panic_of_the_classifier_is_a_cancellation() {
    let breaker = breaker();
    let (inner, probe) = ReadyProbe::new();
    let service = BreakerLayer::new(&breaker)
        .classify(|_: &Result<Response<_>, _>| panic!("classifier"))
        .layer(inner);
    half_open(&breaker).await;

    let task = CountingWaker::new();
    for _ in 0..5 {
        let mut call = Box::pin(call(&service));
        catch_unwind(AssertUnwindSafe(|| task.poll_future(call.as_mut()))).unwrap_err();
    }
    assert_eq!(probe.calls(), 5);
    let snapshot = breaker.snapshot();
    assert_eq!(snapshot.state, CircuitState::HalfOpen);
    assert_eq!(snapshot.probes_under_way, 0);
}
