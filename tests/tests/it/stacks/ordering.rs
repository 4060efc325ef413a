//! The effect of inner layers on outer ones.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use buttress::prelude::*;
use buttress_testkit::{ProbeHandle, ReadyProbe, Script, TestBody};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

#[tokio::test(start_paused = true)]
async fn a_problem_layer_outside_a_breaker_responds_to_its_rejections() {
    let breaker = tripping_at(1);
    let (service, probe) = behind(
        &ServiceBuilder::new()
            .layer(ProblemLayer::default())
            .layer(BreakerLayer::client(&breaker)),
    );
    probe.script(Script::new().err("down"));
    assert_eq!(status(&service).await, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(status(&service).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(probe.calls(), 1, "the second call was rejected");
}

/// The problem is a response like any other: its status counts, and the error inside is not lost.
#[tokio::test(start_paused = true)]
async fn a_breaker_outside_a_problem_layer_reads_the_problems_status() {
    let breaker = tripping_at(2);
    let (service, probe) = behind(
        &ServiceBuilder::new()
            .layer(BreakerLayer::client(&breaker))
            .layer(ProblemLayer::default()),
    );
    probe.script(Script::new().err("down"));
    for _ in 0..2 {
        let response = call(&service).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        drop(response);
    }
    assert_eq!(breaker.state(), CircuitState::Open);
    let error = call(&service).await.map(drop).unwrap_err();
    assert_eq!(reason(&*error), Some(Reason::CircuitOpen));
}

/// The rejection of one dependency is not the failure of another: the outer circuit is not affected.
#[tokio::test(start_paused = true)]
async fn an_outer_breaker_ignores_rejections_of_an_inner_one() {
    let (outer, inner) = (tripping_at(2), tripping_at(1));
    let (service, probe) = behind(
        &ServiceBuilder::new()
            .layer(BreakerLayer::client(&outer))
            .layer(BreakerLayer::new(&inner)),
    );
    probe.script(Script::new().err("down"));
    for _ in 0..10 {
        call(&service).await.map(drop).unwrap_err();
    }
    assert_eq!(probe.calls(), 1);
    assert_eq!(outer.state(), CircuitState::Closed);
    assert_eq!(inner.state(), CircuitState::Open);
}

/// Server and client of one service: what the problem states about retries is respected.
#[tokio::test(start_paused = true)]
async fn a_retry_respects_what_a_problem_states_about_retries() {
    for (retryable, attempts, waited) in [(false, 1, 0), (true, 2, 2)] {
        let calls = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&calls);
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE)
            .with_retryable(retryable)
            .with_retry_after(Duration::from_millis(1_500));
        let inner = service_fn(move |_: Request<ReplayBody<TestBody>>| {
            counted.fetch_add(1, Ordering::Relaxed);
            ready(Err::<Response<TestBody>, _>(problem.clone()))
        });
        let retry = Retry::new("test", RetryConfig::default().attempts(2));
        let service = ServiceBuilder::new()
            .layer(RetryLayer::client(&retry))
            .layer(ProblemLayer::default())
            .service(inner);
        let began = tokio::time::Instant::now();
        let request = Request::new(ReplayBody::new(TestBody::empty()));
        let response = service.oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(
            calls.load(Ordering::Relaxed),
            attempts,
            "retryable: {retryable}"
        );
        // `Retry-After` has whole seconds, rounded up.
        assert_eq!(began.elapsed().as_secs(), waited);
    }
}

/// Each attempt is a call of the breaker, and its rejection ends the retries.
#[tokio::test(start_paused = true)]
async fn a_breaker_inside_a_retry_counts_each_attempt() {
    let breaker = tripping_at(2);
    let (inner, probe) = ReadyProbe::new();
    probe.script(Script::new().err("down"));
    let service = BreakerLayer::new(&breaker).layer(inner);

    let mut attempts = 0;
    let error = loop {
        attempts += 1;
        let error = call(&service).await.map(drop).unwrap_err();
        if Rejection::find(&*error).is_some() {
            break error;
        }
    };
    assert_eq!((attempts, probe.calls()), (3, 2));
    assert_eq!(reason(&*error), Some(Reason::CircuitOpen));
}

/// A timeout inside the breaker is a failure that it observes; one outside cancels the call, and counts only if the
/// breaker knows the time that the call should have.
#[tokio::test(start_paused = true)]
async fn a_timeout_counts_inside_and_outside() {
    const TIMEOUT: Duration = Duration::from_secs(1);
    let counts = async |inside: bool, config: BreakerConfig| {
        let breaker = Breaker::new("test", config.consecutive_failures(None));
        let (inner, probe) = ReadyProbe::new();
        probe.script(Script::new());
        let result = if inside {
            let layers = ServiceBuilder::new()
                .layer(BreakerLayer::new(&breaker))
                .timeout(TIMEOUT);
            call(&layers.service(inner)).await
        } else {
            let layers = ServiceBuilder::new()
                .timeout(TIMEOUT)
                .layer(BreakerLayer::new(&breaker));
            call(&layers.service(inner)).await
        };
        assert!(result.is_err());
        breaker.snapshot().counts.failures
    };
    let unknowing = BreakerConfig::default();
    let knowing = || BreakerConfig::default().attempt_timeout(TIMEOUT);
    assert_eq!(counts(true, unknowing.clone()).await, 1);
    assert_eq!(counts(false, unknowing).await, 0);
    assert_eq!(counts(true, knowing()).await, 1);
    assert_eq!(counts(false, knowing()).await, 1);
}

/// The contents of a body pass every layer: frames, trailers and the end.
#[tokio::test(start_paused = true)]
async fn frames_and_trailers_pass_through_the_whole_stack() {
    let breaker = tripping_at(1);
    let (service, probe) = behind(
        &ServiceBuilder::new()
            .layer(ProblemLayer::default())
            .layer(BreakerLayer::client(&breaker)),
    );
    let body = TestBody::empty()
        .data("hello")
        .pending()
        .data(" world")
        .trailer("x-checksum", "7");
    probe.script(Script::new().ok(Response::new(body)));

    let body = call(&service).await.unwrap().collect().await.unwrap();
    assert_eq!(body.trailers().unwrap()["x-checksum"], "7");
    assert_eq!(body.to_bytes(), "hello world");
    assert_eq!(breaker.snapshot().counts.calls, 1);
}

/// Rejections and inner errors keep their types and their sources through any number of layers.
#[tokio::test(start_paused = true)]
async fn an_inner_error_is_not_changed() {
    let breakers = [tripping_at(9), tripping_at(9)];
    let (service, probe) = behind(
        &ServiceBuilder::new()
            .layer(BreakerLayer::client(&breakers[0]))
            .layer(BreakerLayer::new(&breakers[1])),
    );
    probe.script(Script::new().err("down"));
    let error = call(&service).await.map(drop).unwrap_err();
    assert!(error.is::<buttress_testkit::TestError>(), "{error:?}");
    assert_eq!(error.to_string(), "down");
}

fn tripping_at(failures: u32) -> Breaker {
    let config = BreakerConfig::default()
        .failure_ratio(None)
        .consecutive_failures(failures);
    Breaker::new("test", config)
}

fn behind<L: Layer<ReadyProbe>>(layers: &ServiceBuilder<L>) -> (L::Service, ProbeHandle) {
    let (inner, probe) = ReadyProbe::new();
    (layers.service(inner), probe)
}

async fn call<S>(service: &S) -> Result<S::Response, S::Error>
where
    S: Service<Request<TestBody>> + Clone,
{
    let request = Request::new(TestBody::empty());
    service.clone().oneshot(request).await
}

async fn status<S, B>(service: &S) -> StatusCode
where
    S: Service<Request<TestBody>, Response = Response<B>, Error = std::convert::Infallible> + Clone,
{
    match call(service).await {
        Ok(response) => response.status(),
        Err(never) => match never {},
    }
}

fn reason(error: &(dyn std::error::Error + 'static)) -> Option<Reason> {
    Rejection::find(error).map(Rejection::reason)
}
