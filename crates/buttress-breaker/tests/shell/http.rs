use std::time::Duration;

use ::http::{Response, StatusCode, header};
use buttress_breaker::{
    Breaker, BreakerConfig, BreakerLayer, BreakerService, CircuitState, OpenDuration, Window,
};
use buttress_core::Ratio;
use buttress_http::{Http, Until};
use buttress_testkit::{Gate, ProbeHandle, ReadyProbe, Script, TestBody};
use http_body_util::BodyExt;
use tower::Layer;

use crate::support::{OPEN_FOR, breaker, call, config, half_open};

type Service = BreakerService<ReadyProbe, Http>;

fn behind(breaker: &Breaker) -> (Service, ProbeHandle) {
    let (inner, probe) = ReadyProbe::new();
    (BreakerLayer::client(breaker).layer(inner), probe)
}

fn answers(response: Response<TestBody>) -> Script<Response<TestBody>> {
    Script::new().ok(response)
}

fn grpc() -> ::http::response::Builder {
    Response::builder().header(header::CONTENT_TYPE, "application/grpc")
}

/// A breaker that never opens, and only counts.
fn counting() -> Breaker {
    Breaker::new("test", config().consecutive_failures(None))
}

/// The calls and failures in the window.
fn counted(breaker: &Breaker) -> (u64, u64) {
    let counts = breaker.snapshot().counts;
    (counts.calls, counts.failures)
}

/// Defect A04 of tower-resilience: it reads the head only, and counts 50 of 50 broken bodies as successes.
#[tokio::test(start_paused = true)]
async fn every_broken_body_is_a_failure() {
    let breaker = counting();
    let (service, probe) = behind(&breaker);
    let body = TestBody::empty().data("half").declare(8).err("reset");
    probe.script(answers(Response::new(body)));
    for _ in 0..50 {
        call(&service).await.unwrap().collect().await.unwrap_err();
    }
    assert_eq!(counted(&breaker), (50, 50));
}

/// A04 again: the connection is closed cleanly, but too early.
#[tokio::test(start_paused = true)]
async fn every_truncated_body_is_a_failure() {
    let breaker = counting();
    let (service, probe) = behind(&breaker);
    let body = TestBody::empty().data("half").pending();
    let truncated = Response::builder()
        .header(header::CONTENT_LENGTH, "8")
        .body(body);
    probe.script(answers(truncated.unwrap()));
    for _ in 0..50 {
        call(&service).await.unwrap().collect().await.unwrap();
    }
    assert_eq!(counted(&breaker), (50, 50));
}

/// Defect B19 of tower-resilience: a status never opens its breaker.
#[tokio::test(start_paused = true)]
async fn unavailable_responses_open_it() {
    let breaker = breaker();
    let (service, probe) = behind(&breaker);
    let mut unavailable = Response::new(TestBody::empty());
    *unavailable.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    probe.script(answers(unavailable));
    for _ in 0..3 {
        let response = call(&service).await.unwrap();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(breaker.state(), CircuitState::Open);
}

/// Defect G02 of tower-resilience: gRPC sends its status in the trailers, with HTTP status 200.
#[tokio::test(start_paused = true)]
async fn a_grpc_status_in_the_trailers_opens_it() {
    let breaker = breaker();
    let (service, probe) = behind(&breaker);
    let body = TestBody::empty()
        .data("a message")
        .trailer("grpc-status", "14");
    probe.script(answers(grpc().body(body).unwrap()));
    for _ in 0..3 {
        assert_eq!(breaker.state(), CircuitState::Closed);
        let response = call(&service).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.collect().await.unwrap();
    }
    assert_eq!(breaker.state(), CircuitState::Open);
}

/// G02 again: a response with trailers only has its status in the head.
#[tokio::test(start_paused = true)]
async fn a_grpc_status_in_the_head_opens_it() {
    let breaker = breaker();
    let (service, probe) = behind(&breaker);
    let response = grpc().header("grpc-status", "14").body(TestBody::empty());
    probe.script(answers(response.unwrap()));
    for _ in 0..3 {
        call(&service).await.unwrap();
    }
    assert_eq!(breaker.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn a_grpc_stream_without_its_trailers_is_a_failure() {
    let breaker = counting();
    let (service, probe) = behind(&breaker);
    let body = TestBody::empty().data("a message").pending();
    probe.script(answers(grpc().body(body).unwrap()));
    call(&service).await.unwrap().collect().await.unwrap();
    assert_eq!(counted(&breaker), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_body_dropped_half_read_is_a_cancellation() {
    let breaker = counting();
    let (service, probe) = behind(&breaker);
    let body = TestBody::empty().data("one").data("two").data("three");
    probe.script(answers(Response::new(body)));
    for frames in 1..=2 {
        let mut response = call(&service).await.unwrap();
        for _ in 0..frames {
            response.frame().await.unwrap().unwrap();
        }
        drop(response);
        assert_eq!(counted(&breaker), (0, 0), "after {frames} frames");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_dropped_unread_has_the_outcome_of_its_head() {
    let breaker = counting();
    let (service, probe) = behind(&breaker);
    let body = || TestBody::empty().data("unread");
    probe.script_next(answers(Response::new(body())));
    drop(call(&service).await.unwrap());
    assert_eq!(counted(&breaker), (1, 0));

    let failed = Response::builder().status(500).body(body());
    probe.script_next(answers(failed.unwrap()));
    drop(call(&service).await.unwrap());
    assert_eq!(counted(&breaker), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn until_headers_a_call_ends_with_its_head() {
    let breaker = counting();
    let (inner, probe) = ReadyProbe::new();
    let service = BreakerLayer::client(&breaker)
        .until(Until::Headers)
        .layer(inner);
    let body = TestBody::empty().data("half").declare(8).err("reset");
    probe.script(answers(Response::new(body)));
    let response = call(&service).await.unwrap();
    assert_eq!(counted(&breaker), (1, 0));
    response.collect().await.unwrap_err();
    assert_eq!(counted(&breaker), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_probe_ends_with_a_head_that_has_the_outcome() {
    let breaker = breaker();
    let (service, probe) = behind(&breaker);
    half_open(&breaker).await;
    let end = Gate::new();
    let body = TestBody::empty().data("probe").wait(&end);
    probe.script_next(answers(Response::new(body)));
    let response = call(&service).await.unwrap();
    assert_eq!(breaker.snapshot().probes_under_way, 0);
    assert_eq!(breaker.state(), CircuitState::HalfOpen);
    end.open();
    response.collect().await.unwrap();
    assert_eq!(breaker.state(), CircuitState::HalfOpen);
}

/// A 429 means that the dependency works: it counts in the ratio only.
#[tokio::test(start_paused = true)]
async fn overload_counts_in_the_ratio_only() {
    let breaker = Breaker::new(
        "test",
        config()
            .window(Window::Count(100))
            .minimum_calls(10)
            .failure_ratio(Ratio::HALF),
    );
    let (service, probe) = behind(&breaker);
    let overload = Response::builder().status(429).body(TestBody::empty());
    probe.script(answers(overload.unwrap()));
    for _ in 0..9 {
        call(&service).await.unwrap();
    }
    assert_eq!(breaker.snapshot().consecutive_failures, 0);
    assert_eq!(breaker.state(), CircuitState::Closed);
    call(&service).await.unwrap();
    assert_eq!(breaker.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn it_stays_open_for_the_requested_wait_up_to_the_cap() {
    let cap = Duration::from_secs(60);
    // A dependency that requests a wait is overloaded, which counts in the ratio only.
    let config = || {
        config()
            .window(Window::Count(100))
            .failure_ratio(Ratio::HALF)
            .minimum_calls(3)
    };
    let cases: [(BreakerConfig, &str, Duration); 4] = [
        (config().retry_after_cap(cap), "30", Duration::from_secs(30)),
        (config().retry_after_cap(cap), "600", cap),
        // Never for less than the breaker's own open time.
        (config().retry_after_cap(cap), "1", OPEN_FOR),
        (config().retry_after_cap(None), "30", OPEN_FOR),
    ];
    for (config, asked, expected) in cases {
        let breaker = Breaker::new("test", config);
        let (service, probe) = behind(&breaker);
        let unavailable = Response::builder()
            .status(503)
            .header(header::RETRY_AFTER, asked)
            .body(TestBody::empty());
        probe.script(answers(unavailable.unwrap()));
        for _ in 0..3 {
            call(&service).await.unwrap();
        }
        assert_eq!(breaker.snapshot().next_probe_in, Some(expected), "{asked}");
    }
}

/// The same with the pushback of gRPC.
#[tokio::test(start_paused = true)]
async fn it_stays_open_for_the_grpc_pushback() {
    let config = config()
        .window(Window::Count(100))
        .failure_ratio(Ratio::HALF)
        .minimum_calls(3);
    let breaker = Breaker::new("test", config.open_for(OpenDuration::Fixed(SECOND)));
    let (service, probe) = behind(&breaker);
    let response = grpc()
        .header("grpc-status", "14")
        .header("grpc-retry-pushback-ms", "2500")
        .body(TestBody::empty());
    probe.script(answers(response.unwrap()));
    for _ in 0..3 {
        call(&service).await.unwrap();
    }
    let expected = Duration::from_millis(2_500);
    assert_eq!(breaker.snapshot().next_probe_in, Some(expected));
}

const SECOND: Duration = Duration::from_secs(1);
