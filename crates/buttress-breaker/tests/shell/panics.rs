//! A panic of the inner service counts as one failure, unwinds to its caller only, and leaves the breaker usable:
//! defect B11 of tower-resilience (20 panics, 0 failures), and A4 of the conformance suite.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ::http::Response;
use buttress_breaker::{BreakerLayer, CircuitState};
use buttress_core::Reason;
use buttress_testkit::{CountingWaker, ReadyProbe, Script, TestBody};
use http_body_util::BodyExt;
use tower::{Layer, Service};

use crate::support::{behind, breaker, call, poll_ready, readied, reason, request, success};

#[tokio::test(start_paused = true)]
async fn a_panic_in_call_is_one_failure() {
    counts_one_failure(Script::new().panic_in_call()).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_poll_is_one_failure() {
    counts_one_failure(Script::new().pending(1).panic()).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_body_is_one_failure() {
    let body = TestBody::empty().data("half").declare(8).panic();
    counts_one_failure(Script::new().ok(Response::new(body))).await;
}

/// A caller that drops a call has cancelled it, and gets the panic; the dependency had not responded.
#[tokio::test(start_paused = true)]
async fn a_panic_in_the_drop_of_a_call_is_a_cancellation() {
    let breaker = breaker();
    let (service, probe) = behind(&breaker);
    probe.script_next(Script::new().panic_in_drop());
    let future = readied(&service).await.call(request());
    catch_unwind(AssertUnwindSafe(|| drop(future))).unwrap_err();

    assert_eq!(breaker.snapshot().counts.calls, 0);
    assert_eq!(breaker.snapshot().consecutive_failures, 0);
    call(&service).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_poll_ready_reaches_only_its_caller() {
    let breaker = breaker();
    let (service, probe) = behind(&breaker);
    probe.panics_in_poll_ready();
    let mut asking = service.clone();
    let task = CountingWaker::new();
    catch_unwind(AssertUnwindSafe(|| poll_ready(&mut asking, &task))).unwrap_err();

    probe.ready();
    call(&service).await.unwrap();
    assert_eq!(breaker.snapshot().consecutive_failures, 0);
}

/// Runs `script` three times, which opens the breaker, and then uses the breaker again.
async fn counts_one_failure(script: Script<Response<TestBody>>) {
    let breaker = breaker();
    let (inner, probe) = ReadyProbe::new();
    let service = BreakerLayer::client(&breaker).layer(inner);
    // A concurrent call, which continues throughout.
    probe.script_next(Script::new().pending(1).ok(Response::default()));
    let task = CountingWaker::new();
    let mut beside = Box::pin(call(&service));
    assert!(task.poll_future(beside.as_mut()).is_pending());

    probe.script(script);
    for failures in 1..=3 {
        let service = service.clone();
        let suffering = tokio::spawn(async move {
            if let Ok(response) = call(&service).await {
                let _ = response.collect().await;
            }
        });
        let end = suffering.await;
        assert!(end.is_err_and(|error| error.is_panic()));
        if failures < 3 {
            assert_eq!(breaker.snapshot().consecutive_failures, failures);
        }
    }
    assert_eq!(breaker.state(), CircuitState::Open);
    assert_eq!(reason(&call(&service).await), Some(Reason::CircuitOpen));

    probe.script(success());
    assert!(beside.await.is_ok());
    breaker.reset();
    for _ in 0..100 {
        assert!(call(&service).await.is_ok());
    }
    assert_eq!(probe.in_flight(), 0);
}
