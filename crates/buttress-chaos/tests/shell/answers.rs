use std::pin::pin;
use std::time::Duration;

use buttress_chaos::{Answer, Bounds, ChaosLayer, Fault, PlannedFault};
use buttress_core::{BoxError, FailureKind, Report, classify_error};
use buttress_testkit::{CountingWaker, ReadyProbe, TestBody};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{SECOND, answer, call, delay, greeter, injector, is_injected};

#[tokio::test(start_paused = true)]
async fn a_status_is_injected_without_calling_the_service() {
    let injector = injector();
    let (inner, probe) = ReadyProbe::new();
    let service = ChaosLayer::client(&injector).layer(inner);
    injector.arm(answer(Answer::Status(503))).unwrap();
    let response = service
        .oneshot(Request::new(TestBody::empty()))
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(probe.calls(), 0);
    let body = response.into_body().collect().await.unwrap();
    assert!(body.to_bytes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_grpc_status_is_a_response_of_trailers_only() {
    let injector = injector();
    let service = greeter(&injector);
    let unavailable = Answer::GrpcStatus {
        code: 14,
        message: "on purpose, at 50%25".into(),
    };
    injector.arm(answer(unavailable)).unwrap();
    let response = call(&service).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let header = |name| response.headers().get(name).unwrap().to_str().unwrap();
    assert_eq!(header("content-type"), "application/grpc");
    assert_eq!(header("grpc-status"), "14");
    assert_eq!(header("grpc-message"), "on purpose, at 50%2525");
}

#[tokio::test(start_paused = true)]
async fn errors_are_rejections_that_count_as_the_simulated_failure() {
    for (fault, kind) in [
        (Answer::Error, FailureKind::Error),
        (Answer::Abort, FailureKind::Transport),
    ] {
        let injector = injector();
        let service = greeter(&injector);
        injector.arm(answer(fault)).unwrap();
        let error = call(&service).await.unwrap_err();
        assert!(is_injected(&error));
        assert_eq!(classify_error(&*error), Report::failure(kind));
    }
}

#[tokio::test(start_paused = true)]
async fn a_delay_before_the_response_is_exact_to_the_microsecond() {
    let injector = injector();
    let service = greeter(&injector);
    let plan = delay(Duration::from_micros(1_500)).fault(PlannedFault::new(
        "down",
        Fault::Answer(Answer::Status(500)),
    ));
    injector.arm(plan).unwrap();
    let began = Instant::now();
    let response = call(&service).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    // Timers of tokio have a resolution of a millisecond, and are never early.
    assert!(began.elapsed() >= Duration::from_micros(1_500));
    assert!(began.elapsed() <= Duration::from_millis(3));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_continues_when_the_plan_ends() {
    let injector = injector();
    let service = greeter(&injector);
    injector.arm(answer(Answer::Hang)).unwrap();
    assert!(timeout(60 * SECOND, call(&service)).await.is_err());
    assert_eq!(injector.snapshot().active, 0);

    let hanging = tokio::spawn(async move { call(&service).await.map(drop) });
    tokio::task::yield_now().await;
    injector.disarm();
    let error = timeout(SECOND, hanging)
        .await
        .unwrap()
        .unwrap()
        .unwrap_err();
    assert_eq!(
        classify_error(&*error),
        Report::failure(FailureKind::Timeout)
    );
}

#[test]
fn without_a_runtime_a_call_hangs_until_the_plan_is_ended() {
    let injector = injector();
    let service = greeter(&injector);
    injector.arm(answer(Answer::Hang)).unwrap();
    let waker = CountingWaker::new();
    let mut hanging = pin!(call(&service));
    assert!(waker.poll_future(hanging.as_mut()).is_pending());
    injector.disarm();
    assert_eq!(waker.wakes(), 1);
    assert!(waker.poll_future(hanging).is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_delayed_call_continues_when_the_plan_ends() {
    let injector = injector();
    let service = greeter(&injector);
    injector.arm(delay(1_000 * SECOND)).unwrap();
    let late = tokio::spawn(async move { call(&service).await.map(drop) });
    tokio::task::yield_now().await;
    assert_eq!(injector.snapshot().active, 1);
    injector.disarm();
    assert!(timeout(SECOND, late).await.unwrap().unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn no_call_hangs_beyond_the_end_of_the_plan() {
    let injector = injector();
    let service = greeter(&injector);
    let bounds = Bounds::default().ttl(5 * SECOND);
    injector.arm(answer(Answer::Hang).bounds(bounds)).unwrap();
    let began = Instant::now();
    assert!(call(&service).await.is_err());
    assert!(began.elapsed() < 6 * SECOND);
    assert!(!injector.is_armed());
}

#[tokio::test(start_paused = true)]
async fn a_panic_unwinds_to_its_caller_and_returns_its_slot() {
    let injector = injector();
    let service = greeter(&injector);
    injector.arm(answer(Answer::Panic)).unwrap();
    let task = tokio::spawn(async move { call(&service).await.map(drop) });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(injector.snapshot().active, 0);
    assert!(injector.is_armed());
}

#[tokio::test(start_paused = true)]
async fn faults_that_are_not_http_apply_to_any_service() {
    let injector = injector();
    let double = service_fn(|n: u64| async move { Ok::<_, BoxError>(2 * n) });
    let service = ChaosLayer::new(&injector).layer(double);
    injector.arm(answer(Answer::Status(500))).unwrap();
    let error = service.clone().oneshot(7).await.unwrap_err();
    assert!(is_injected(&error));
    injector.disarm();
    assert_eq!(service.oneshot(7).await.unwrap(), 14);
}
