use std::time::Duration;

use buttress_chaos::{BodyFault, ChaosLayer, FaultyBody};
use buttress_core::{FailureKind, Report, classify_error};
use buttress_testkit::TestBody;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Collected, Full};
use tokio::time::Instant;
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{SECOND, call, greeter, harmed_body, injector, is_injected};

/// The rest of `hello, world` with this fault.
async fn greeting(fault: BodyFault) -> Result<String, buttress_core::BoxError> {
    let injector = injector();
    let service = greeter(&injector);
    injector.arm(harmed_body(fault)).expect("valid");
    let body = call(&service).await?.into_body();
    assert_eq!(injector.snapshot().active, 1);
    let bytes = body.collect().await.map(Collected::to_bytes);
    assert_eq!(injector.snapshot().active, 0, "the slot was released");
    Ok(String::from_utf8_lossy(&bytes?).into_owned())
}

/// The trailers of a successful gRPC response with this fault.
async fn trailers(fault: BodyFault) -> Option<HeaderMap> {
    let injector = injector();
    let service = ChaosLayer::client(&injector).layer(service_fn(|_: Request<()>| async {
        let body = TestBody::empty().data("reply").trailer("grpc-status", "0");
        Ok::<_, std::convert::Infallible>(Response::new(body))
    }));
    injector.arm(harmed_body(fault)).expect("valid");
    let body = service
        .oneshot(Request::new(()))
        .await
        .expect("answers")
        .into_body();
    let collected = body.collect().await.expect("whole");
    let trailers = collected.trailers().cloned();
    assert_eq!(collected.to_bytes(), "reply");
    trailers
}

#[tokio::test(start_paused = true)]
async fn a_truncated_body_ends_as_if_it_were_complete() {
    for (after, left) in [
        (0, ""),
        (5, "hello"),
        (11, "hello, worl"),
        (12, "hello, world"),
    ] {
        let fault = BodyFault::Truncate { after };
        assert_eq!(greeting(fault).await.unwrap(), left);
    }
}

#[tokio::test(start_paused = true)]
async fn a_corrupt_body_has_one_wrong_byte() {
    let affected = greeting(BodyFault::Corrupt { after: 4 }).await.unwrap();
    assert!(affected.starts_with("hell") && affected.ends_with(", world"));
    assert_ne!(affected, "hello, world");
    let beyond = greeting(BodyFault::Corrupt { after: 12 }).await.unwrap();
    assert_eq!(beyond, "hello, world");
}

#[tokio::test(start_paused = true)]
async fn a_reset_is_an_error_even_of_a_body_that_is_too_short() {
    for after in [0, 5, 1_000] {
        let error = greeting(BodyFault::Reset { after }).await.unwrap_err();
        assert!(is_injected(&error));
        let transport = Report::failure(FailureKind::Transport);
        assert_eq!(classify_error(&*error), transport);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_continues_after_its_time() {
    let began = Instant::now();
    let stalls = BodyFault::Stall {
        after: 5,
        lasting: 7 * SECOND,
    };
    assert_eq!(greeting(stalls).await.unwrap(), "hello, world");
    assert_eq!(began.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_arrives_in_small_frames() {
    let began = Instant::now();
    let drips = BodyFault::Drip {
        bytes: 5,
        every: Duration::from_millis(100),
    };
    assert_eq!(greeting(drips).await.unwrap(), "hello, world");
    assert_eq!(began.elapsed().as_millis() / 10, 30);
}

#[tokio::test(start_paused = true)]
async fn trailers_are_lost_or_altered() {
    assert_eq!(trailers(BodyFault::LoseTrailers).await, None);
    let altered = trailers(BodyFault::AlterTrailers { grpc_status: 13 }).await;
    assert_eq!(altered.unwrap()["grpc-status"], "13");
    let untouched = trailers(BodyFault::Corrupt { after: 100 }).await;
    assert_eq!(untouched.unwrap()["grpc-status"], "0");
}

#[tokio::test(start_paused = true)]
async fn altered_trailers_appear_where_there_were_none() {
    let injector = injector();
    let service = greeter(&injector);
    let fault = BodyFault::AlterTrailers { grpc_status: 13 };
    injector.arm(harmed_body(fault)).unwrap();
    let body = call(&service).await.unwrap().into_body();
    let collected = body.collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["grpc-status"], "13");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_length_is_longer_than_the_body() {
    let injector = injector();
    let service = greeter(&injector);
    let fault = BodyFault::WrongLength { excess: 3 };
    injector.arm(harmed_body(fault)).unwrap();
    let response = call(&service).await.unwrap();
    assert_eq!(response.headers()["content-length"], "15");
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(bytes, "hello, world");
}

#[tokio::test(start_paused = true)]
async fn an_affected_body_that_is_dropped_returns_its_slot() {
    let injector = injector();
    let service = greeter(&injector);
    injector.arm(harmed_body(BodyFault::LoseTrailers)).unwrap();
    let response = call(&service).await.unwrap();
    assert_eq!(injector.snapshot().active, 1);
    drop(response);
    assert_eq!(injector.snapshot().active, 0);
}

#[tokio::test(start_paused = true)]
async fn an_unaffected_body_has_the_hints_of_the_inner_body() {
    let injector = injector();
    let response = call(&greeter(&injector)).await.unwrap();
    let body: &FaultyBody<Full<Bytes>> = response.body();
    assert_eq!(body.size_hint().exact(), Some(12));
    assert!(!body.is_end_stream());
}
