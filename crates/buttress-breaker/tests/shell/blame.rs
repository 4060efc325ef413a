//! What a caller or a reader does never counts against the dependency.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ::http::{Request, Response};
use buttress_breaker::{Breaker, BreakerConfig, BreakerLayer, CircuitState};
use buttress_core::{BoxError, Deadline, Ending, FailureKind, Ratio, Report, TaskContext};
use buttress_testkit::{Gate, ReadyProbe, Script, TestBody};
use http_body_util::BodyExt;
use tokio::sync::Semaphore;
use tokio::time::{Instant, advance};
use tower::limit::ConcurrencyLimit;
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::support::call;

const SECOND: Duration = Duration::from_secs(1);

/// A response that sends a frame at once, and then waits for `more`.
fn stream(more: &Gate) -> Script<Response<TestBody>> {
    Script::new().ok(Response::new(
        TestBody::empty().data("event").wait(more).data("event"),
    ))
}

/// BR1 and D3: `attempt_timeout` applies up to the head.
#[tokio::test(start_paused = true)]
async fn readers_that_drop_a_stream_late_are_neutral() {
    let config = BreakerConfig::default().attempt_timeout(SECOND);
    let breaker = Breaker::new("test", config);
    let (inner, probe) = ReadyProbe::new();
    let service = BreakerLayer::client(&breaker).layer(inner);
    probe.script(stream(&Gate::new()));
    for ending in [Ending::Abandoned, Ending::Expired] {
        for _ in 0..20 {
            let mut response = call(&service).await.unwrap();
            response.frame().await.unwrap().unwrap();
            advance(2 * SECOND).await;
            ending.during(|| drop(response));
        }
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
    assert_eq!(breaker.snapshot().counts.calls, 0);
}

/// BR2 and F09: the whole response is ready, and its readers are on a mobile network.
#[tokio::test(start_paused = true)]
async fn a_call_is_timed_to_the_head_of_its_response() {
    let config = BreakerConfig::default().slow_calls(SECOND, Ratio::HALF);
    let breaker = Breaker::new("test", config);
    let (inner, probe) = ReadyProbe::new();
    let service = BreakerLayer::client(&breaker).layer(inner);
    let whole = TestBody::empty().data("half").data("half");
    probe.script(Script::new().ok(Response::new(whole)));
    for _ in 0..40 {
        let mut response = call(&service).await.unwrap();
        response.frame().await.unwrap().unwrap();
        advance(2 * SECOND).await;
        response.collect().await.unwrap();
    }
    let counts = breaker.snapshot().counts;
    assert_eq!((counts.slow, breaker.state()), (0, CircuitState::Closed));
}

/// BR3 and F10: a circuit around streams that are longer than any lease closes again.
#[tokio::test(start_paused = true)]
async fn probes_with_a_head_close_the_circuit_while_their_streams_run() {
    let breaker = Breaker::new("test", BreakerConfig::default());
    let (inner, probe) = ReadyProbe::new();
    let service = BreakerLayer::client(&breaker).layer(inner);
    probe.script(stream(&Gate::new()));
    breaker.trip();
    advance(5 * SECOND).await;
    let mut open = VecDeque::new();
    for _ in 0..3 {
        open.push_back(call(&service).await.unwrap());
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
}

/// The head of a gRPC response leaves the outcome to the trailers, which come at the end of the stream.
#[tokio::test(start_paused = true)]
async fn grpc_probes_with_a_head_succeed_when_their_lease_ends() {
    let config = BreakerConfig::default().probe_timeout(10 * SECOND);
    let breaker = Breaker::new("test", config);
    let (inner, probe) = ReadyProbe::new();
    let service = BreakerLayer::client(&breaker).layer(inner);
    let mut head = Response::new(TestBody::empty().data("event").wait(&Gate::new()));
    let grpc = ::http::HeaderValue::from_static("application/grpc");
    head.headers_mut().insert("content-type", grpc);
    probe.script(Script::new().ok(head));
    breaker.trip();
    advance(5 * SECOND).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(call(&service).await.unwrap());
    }
    assert_eq!(breaker.state(), CircuitState::HalfOpen);
    advance(10 * SECOND).await;
    open.push(call(&service).await.unwrap());
    assert_eq!(breaker.state(), CircuitState::Closed);
}

/// F10, for streams that end before the lease of their probe: the reader drops them, a deadline ends them, or the
/// status in their trailers is neutral.
#[tokio::test(start_paused = true)]
async fn grpc_probes_with_a_head_succeed_when_their_streams_are_ended() {
    const GRPC: &str = "application/grpc";
    for ends in ["reader", "deadline", "1", "4"] {
        let breaker = Breaker::new("test", BreakerConfig::default());
        let (inner, probe) = ReadyProbe::new();
        let service = BreakerLayer::client(&breaker).layer(inner);
        let body = TestBody::empty().data("event");
        let body = match ends {
            "reader" | "deadline" => body.wait(&Gate::new()),
            code => body.trailer("grpc-status", code),
        };
        let head = Response::builder().header("content-type", GRPC);
        probe.script(Script::new().ok(head.body(body).unwrap()));
        breaker.trip();
        advance(5 * SECOND).await;
        for _ in 0..3 {
            let mut response = call(&service).await.unwrap();
            response.frame().await.unwrap().unwrap();
            advance(SECOND).await;
            match ends {
                "reader" => drop(response),
                "deadline" => Ending::Expired.during(|| drop(response)),
                _ => drop(response.collect().await.unwrap()),
            }
        }
        assert_eq!(breaker.state(), CircuitState::Closed, "{ends}");
    }
}

/// Drops a call that never ends, at its deadline of `allowed`.
async fn expire<S>(service: &S, allowed: Duration)
where
    S: Service<Request<TestBody>, Response = Response<TestBody>, Error = BoxError> + Clone,
{
    let mut call = Box::pin(call(service));
    assert!(tokio::time::timeout(allowed, &mut call).await.is_err());
    Ending::Expired.during(|| drop(call));
}

/// F03, with the default configuration.
#[tokio::test(start_paused = true)]
async fn calls_ended_by_their_deadline_are_timeouts() {
    let breaker = Breaker::new("test", BreakerConfig::default());
    let (inner, probe) = ReadyProbe::new();
    let service = BreakerLayer::new(&breaker).layer(inner);
    probe.script(Script::new());
    for _ in 0..8 {
        expire(&service, 2 * SECOND).await;
    }
    assert_eq!(breaker.state(), CircuitState::Open);
}

/// A caller with deadlines far below the usual latency must not open the circuit for all others, neither by cancelled
/// calls nor by timeout responses.
#[tokio::test(start_paused = true)]
async fn callers_with_very_short_deadlines_are_neutral() {
    let breaker = Breaker::new("test", BreakerConfig::default());
    let inner = service_fn(|_: Request<TestBody>| async {
        tokio::time::sleep(SECOND).await;
        Ok::<_, BoxError>(Response::new(TestBody::empty()))
    });
    let service = BreakerLayer::new(&breaker).layer(inner);
    for _ in 0..20 {
        call(&service).await.unwrap();
    }
    let before = breaker.snapshot().counts.failures;
    for _ in 0..200 {
        expire(&service, SECOND / 100).await;
    }
    let timed_out = BreakerLayer::new(&breaker)
        .classify(|_: &Result<(), BoxError>| Report::failure(FailureKind::Timeout))
        .layer(service_fn(|()| async { Ok::<_, BoxError>(()) }));
    for _ in 0..200 {
        let deadline = Deadline::after(Instant::now().into_std(), SECOND / 100);
        let mut context = TaskContext::default().with_deadline(deadline);
        let mut call = Box::pin(timed_out.clone().oneshot(()));
        std::future::poll_fn(|cx| context.enter(|| call.as_mut().poll(cx)))
            .await
            .unwrap();
    }
    assert_eq!(breaker.snapshot().counts.failures, before);
    assert_eq!(breaker.state(), CircuitState::Closed);
}

/// T5: the task has no deadline, because the layer that would set it is further inside or missing.
#[tokio::test(start_paused = true)]
async fn a_timeout_requested_by_the_caller_is_neutral() {
    let haste: [(&str, &str); 3] = [
        ("grpc-timeout", "1m"),
        ("connect-timeout-ms", "1"),
        ("x-envoy-expected-rq-timeout-ms", "1"),
    ];
    let late = Response::builder().header("content-type", "application/grpc");
    let late = late.header("grpc-status", "4").body(TestBody::empty());
    for answer in [late.unwrap(), status(504)] {
        for (name, value) in haste {
            assert_eq!(
                state_after(&answer, |request| set(request, name, value)).await,
                CircuitState::Closed,
                "{name}"
            );
        }
        let extension = |request: &mut Request<TestBody>| {
            let deadline = Deadline::after(Instant::now().into_std(), SECOND / 1_000);
            request.extensions_mut().insert(deadline.unwrap());
        };
        assert_eq!(state_after(&answer, extension).await, CircuitState::Closed);
        // A call that waited long enough counts, and so does one with a missing or malformed header.
        for (name, value) in [
            ("grpc-timeout", "10S"),
            ("grpc-timeout", "1 m"),
            ("x-envoy-expected-rq-timeout-ms", "0"),
            ("accept", "*/*"),
        ] {
            assert_eq!(
                state_after(&answer, |request| set(request, name, value)).await,
                CircuitState::Open,
                "{name}: {value}"
            );
        }
    }
}

/// The state of a circuit after twenty calls with such a response.
async fn state_after(
    answer: &Response<TestBody>,
    mark: impl Fn(&mut Request<TestBody>),
) -> CircuitState {
    let breaker = Breaker::new("test", BreakerConfig::default());
    let (inner, probe) = ReadyProbe::new();
    let service = BreakerLayer::client(&breaker).layer(inner);
    probe.script(Script::new().ok(answer.clone()));
    for _ in 0..20 {
        let mut request = crate::support::request();
        mark(&mut request);
        let _ = service.clone().oneshot(request).await;
    }
    breaker.state()
}

fn status(status: u16) -> Response<TestBody> {
    let response = Response::builder().status(status);
    response.body(TestBody::empty()).expect("a status")
}

fn set(request: &mut Request<TestBody>, name: &'static str, value: &'static str) {
    let value = ::http::HeaderValue::from_static(value);
    request.headers_mut().insert(name, value);
}

#[tokio::test(start_paused = true)]
async fn a_keyed_breaker_reads_the_requested_timeout_too() {
    let breakers = buttress_breaker::Breakers::new("test", Default::default());
    let (inner, probe) = ReadyProbe::new();
    let layer = BreakerLayer::keyed(&breakers, |_: &Request<TestBody>| "a".into()).client();
    let service = layer.layer(inner);
    probe.script(Script::new().ok(status(504)));
    for _ in 0..20 {
        let mut request = crate::support::request();
        set(&mut request, "grpc-timeout", "1m");
        let _ = service.clone().oneshot(request).await;
    }
    assert_eq!(breakers.get("a").state(), CircuitState::Closed);
}

/// F07: what a rejected call had reserved in inner layers is released.
#[tokio::test(start_paused = true)]
async fn a_rejection_releases_what_is_reserved_inside() {
    let place = Arc::new(Semaphore::new(1));
    let breaker = Breaker::new("test", BreakerConfig::default());
    let inner = service_fn(|()| async { Ok::<_, BoxError>(()) });
    let inner = ConcurrencyLimit::with_semaphore(inner, Arc::clone(&place));
    let mut service = BreakerLayer::new(&breaker).layer(inner);
    breaker.trip();
    let refused = service.ready().await.unwrap().call(());
    assert_eq!(place.available_permits(), 1);
    assert!(refused.await.is_err());
}
