use std::cell::Cell;
use std::io;
use std::rc::Rc;

use ::http::{Request, Response};
use buttress_core::{BoxError, FailureKind, Reason, Rejection, Report, Scope};
use buttress_retry::{Retry, RetryLayer, RetryService, RetryStopped, StopReason};
use buttress_testkit::{ReadyProbe, Script};
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::support::{Body, WAIT, accrue_budget, behind, call, config, failure, get, retry};

#[tokio::test(start_paused = true)]
async fn a_transient_failure_is_hidden_from_the_caller() {
    let (service, probe) = behind(&retry());
    probe.script_next(failure());
    probe.script_next(failure());
    let began = Instant::now();
    call(&service, get()).await.unwrap();
    assert_eq!(probe.calls(), 3);
    assert_eq!(began.elapsed(), 3 * WAIT);
}

#[tokio::test(start_paused = true)]
async fn the_last_failure_is_returned_with_the_reason() {
    let (service, probe) = behind(&retry());
    for text in ["first", "second", "third"] {
        probe.script_next(Script::new().err(text));
    }
    let error = call(&service, get()).await.unwrap_err();
    assert_eq!(error.to_string(), "third");
    let stopped = RetryStopped::find(&*error).unwrap();
    assert_eq!(stopped.reason(), StopReason::AttemptsExhausted);
    assert_eq!(stopped.attempts(), 3);
    assert!(error.source().unwrap().is::<buttress_testkit::TestError>());
}

/// Defect R10 of tower-resilience: an open circuit was retried, and used up the budget.
#[tokio::test(start_paused = true)]
async fn an_inner_open_circuit_ends_the_call_at_once() {
    for (reason, scope, calls) in [
        (Reason::CircuitOpen, Scope::Cluster, 1),
        (Reason::TenantOverShare, Scope::Tenant, 1),
        (Reason::BulkheadFull, Scope::Instance, 4),
    ] {
        let calls_made = Rc::new(Cell::new(0));
        let counted = Rc::clone(&calls_made);
        let inner = service_fn(move |()| {
            counted.set(counted.get() + 1);
            async move { Err::<(), _>(Rejection::new(reason, "below").with_scope(scope)) }
        });
        let retry = retry();
        accrue_budget().await;
        let service = RetryLayer::new(&retry).layer(inner);
        let error = service.oneshot(()).await.unwrap_err();
        assert_eq!(Rejection::find(&*error).unwrap().reason(), reason);
        assert_eq!(calls_made.get(), calls, "{reason:?}");
    }
}

/// A rejection by an instance is retried at once, and not counted.
#[tokio::test(start_paused = true)]
async fn an_unprocessed_request_is_retried_at_once() {
    let began = Instant::now();
    let calls = Rc::new(Cell::new(0));
    let counted = Rc::clone(&calls);
    let inner = service_fn(move |()| {
        let call = counted.replace(counted.get() + 1);
        async move {
            match call {
                0 => Err(Rejection::new(Reason::BulkheadFull, "below")),
                _ => Ok(call),
            }
        }
    });
    let service = RetryLayer::new(&retry()).layer(inner);
    assert_eq!(service.oneshot(()).await.unwrap(), 1);
    assert!(began.elapsed().is_zero());
}

#[tokio::test(start_paused = true)]
async fn a_classifier_determines_failures_and_waits() {
    let calls = Rc::new(Cell::new(0));
    let counted = Rc::clone(&calls);
    let inner = service_fn(move |()| {
        counted.set(counted.get() + 1);
        let answer = counted.get();
        async move { Ok::<_, io::Error>(answer) }
    });
    let began = Instant::now();
    let service = RetryLayer::new(&retry())
        .classify(|result: &Result<u32, BoxError>| match result {
            Ok(1) => Report::failure(FailureKind::Overload).retry_after(Some(10 * WAIT)),
            _ => Report::SUCCESS,
        })
        .layer(inner);
    assert_eq!(service.oneshot(()).await.unwrap(), 2);
    // The requested wait is a minimum, plus the first wait of the backoff.
    assert_eq!(began.elapsed(), 11 * WAIT);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_times_out_may_be_retried() {
    let (service, probe) = behind(&Retry::new("test", config().attempt_timeout(WAIT)));
    probe.script_next(Script::new());
    let began = Instant::now();
    call(&service, get()).await.unwrap();
    assert_eq!((probe.calls(), probe.in_flight()), (2, 0));
    assert_eq!(began.elapsed(), 2 * WAIT);

    probe.script(Script::new());
    let error = call(&service, get()).await.unwrap_err();
    let rejection = Rejection::find(&*error).unwrap();
    assert_eq!(rejection.reason(), Reason::DeadlineExceeded);
    assert_eq!(rejection.layer(), "test");
}

#[tokio::test(start_paused = true)]
async fn one_attempt_is_one_attempt() {
    let (service, probe) = behind(&Retry::new("test", config().attempts(1)));
    probe.script(failure());
    call(&service, get()).await.unwrap_err();
    assert_eq!(probe.calls(), 1);
}

/// R1 and R2: the instance that became ready is called, and each later attempt waits for readiness.
#[tokio::test(start_paused = true)]
async fn each_attempt_is_made_by_a_ready_instance() {
    let (inner, probe) = ReadyProbe::new();
    let mut service = RetryLayer::client(&retry()).layer(inner);
    probe.script(failure());
    let service: &mut RetryService<_, _> = ServiceExt::<Request<Body>>::ready(&mut service)
        .await
        .unwrap();
    service.call(get()).await.unwrap_err();
    let (called, readied) = (probe.called(), probe.readied());
    assert_eq!(called.len(), 3);
    assert_eq!(called, readied);
    assert_eq!(called[0], 0);
    assert_eq!(probe.reserved(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_readiness_error_between_attempts_is_returned() {
    let (service, probe) = behind(&retry());
    probe.script_next(failure());
    let pending = tokio::time::timeout(WAIT / 2, call(&service, get()));
    drop(pending);
    let mut future = Box::pin(call(&service, get()));
    let task = buttress_testkit::CountingWaker::new();
    assert!(task.poll_future(future.as_mut()).is_pending());
    probe.broken();
    let error = future.await.unwrap_err();
    assert_eq!(error.to_string(), "scripted readiness error");
}

#[tokio::test(start_paused = true)]
async fn a_failed_response_is_dropped_before_the_wait() {
    use buttress_testkit::{CountingWaker, TestBody};

    let (service, probe) = behind(&retry());
    let body = TestBody::empty().data("unavailable");
    let response = Response::builder().status(503).body(body).unwrap();
    probe.script_next(Script::new().ok(response));
    let mut future = Box::pin(call(&service, get()));
    let task = CountingWaker::new();
    assert!(task.poll_future(future.as_mut()).is_pending());
    assert_eq!((probe.in_flight(), probe.open_bodies()), (0, 0));
    future.await.unwrap();
}

/// Without a runtime there are no timers, so the failure is returned.
#[test]
fn outside_a_runtime_there_is_no_wait() {
    let (service, probe) = behind(&retry());
    probe.script(failure());
    let task = buttress_testkit::CountingWaker::new();
    let mut future = Box::pin(call(&service, get()));
    let std::task::Poll::Ready(Err(error)) = task.poll_future(future.as_mut()) else {
        panic!("it waits forever");
    };
    let stopped = RetryStopped::find(&*error).unwrap();
    assert_eq!(stopped.reason(), StopReason::NoTimer);
    assert_eq!(probe.calls(), 1);
}

/// An attempt has no timeout either, so it lasts until it is polled.
#[test]
fn outside_a_runtime_an_attempt_continues() {
    let (service, probe) = behind(&Retry::new("test", config().attempt_timeout(WAIT)));
    probe.script(Script::new());
    let task = buttress_testkit::CountingWaker::new();
    let mut future = Box::pin(call(&service, get()));
    assert!(task.poll_future(future.as_mut()).is_pending());
    assert_eq!(probe.in_flight(), 1);
}
