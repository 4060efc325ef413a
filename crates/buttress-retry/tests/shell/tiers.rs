//! T6: the attempts of several tiers do not multiply.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ::http::{Request, Response, StatusCode};
use buttress_core::BoxError;
use buttress_http::ReplayBody;
use buttress_retry::{Retry, RetryLayer, RetryMark, RetryMarkService};
use buttress_testkit::{ReadyProbe, TestBody};
use tower::util::BoxCloneService;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

use crate::support::{config, failure, get};

type Tier = BoxCloneService<Request<()>, Response<()>, Infallible>;

/// A server that makes one call to the tier below for each request, and answers 503 if it fails.
fn tier(below: Tier, marks: bool) -> Tier {
    let retry = Retry::new("tier", config());
    let client = ServiceBuilder::new()
        .layer(RetryLayer::client(&retry))
        .map_request(|request: Request<ReplayBody<TestBody>>| request.map(drop))
        .map_response(|response: Response<()>| response.map(|()| TestBody::empty()))
        .service(below);
    let server = service_fn(move |_: Request<()>| {
        let client = client.clone();
        async move {
            let status = match client.oneshot(get()).await {
                Ok(response) => response.status(),
                Err(_) => StatusCode::SERVICE_UNAVAILABLE,
            };
            let mut response = Response::new(());
            *response.status_mut() = status;
            Ok(response)
        }
    });
    if marks {
        RetryMark.layer(server).boxed_clone()
    } else {
        server.boxed_clone()
    }
}

async fn attempts_at_the_leaf(marks: bool) -> usize {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let leaf = service_fn(move |_: Request<()>| {
        counted.fetch_add(1, Ordering::Relaxed);
        async { Ok(response(503).map(drop)) }
    });
    let top = (0..3).fold(leaf.boxed_clone(), |below, _| tier(below, marks));
    let response = top.oneshot(Request::new(())).await.unwrap();
    assert_eq!(response.status(), 503);
    calls.load(Ordering::Relaxed)
}

#[tokio::test(start_paused = true)]
async fn marked_tiers_do_not_multiply() {
    assert_eq!(attempts_at_the_leaf(true).await, 3);
}

#[tokio::test(start_paused = true)]
async fn unmarked_tiers_do() {
    assert_eq!(attempts_at_the_leaf(false).await, 27);
}

fn server<F>(
    answer: F,
) -> RetryMarkService<
    impl Service<Request<()>, Response = Response<TestBody>, Error = BoxError> + Clone,
>
where
    F: Fn() -> Response<TestBody> + Clone,
{
    let (inner, probe) = ReadyProbe::new();
    probe.script(failure());
    let client = RetryLayer::client(&Retry::new("client", config())).layer(inner);
    RetryMark.layer(service_fn(move |_: Request<()>| {
        let (client, answer) = (client.clone(), answer.clone());
        async move {
            let failed = client.oneshot(get()).await.is_err();
            assert!(failed);
            Ok(answer())
        }
    }))
}

fn response(status: u16) -> Response<TestBody> {
    Response::builder()
        .status(status)
        .body(TestBody::empty())
        .expect("a valid response")
}

#[tokio::test(start_paused = true)]
async fn a_mark_uses_the_headers_of_the_protocol() {
    let marked = server(|| response(502))
        .oneshot(Request::new(()))
        .await
        .unwrap();
    assert_eq!(marked.headers()["x-buttress-retry"], "no");
    assert!(!marked.headers().contains_key("grpc-retry-pushback-ms"));

    let grpc_failure = || {
        let mut response = response(200);
        for (name, value) in [("content-type", "application/grpc"), ("grpc-status", "14")] {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        response
    };
    let marked = server(grpc_failure)
        .oneshot(Request::new(()))
        .await
        .unwrap();
    assert_eq!(marked.headers()["grpc-retry-pushback-ms"], "-1");
}

#[tokio::test(start_paused = true)]
async fn a_successful_server_is_not_marked() {
    let fallback = server(|| response(200))
        .oneshot(Request::new(()))
        .await
        .unwrap();
    assert!(fallback.headers().is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_request_does_not_mark_the_next() {
    let calls = std::cell::Cell::new(0);
    let (inner, probe) = ReadyProbe::new();
    let client = RetryLayer::client(&Retry::new("client", config())).layer(inner);
    let service = RetryMark.layer(service_fn(|_: Request<()>| {
        let client = client.clone();
        calls.set(calls.get() + 1);
        let is_first = calls.get() == 1;
        async move {
            if is_first {
                client.oneshot(get()).await.unwrap_err();
            }
            Ok::<_, BoxError>(response(503))
        }
    }));
    probe.script(failure());
    let first = service.clone().oneshot(Request::new(())).await.unwrap();
    let second = service.oneshot(Request::new(())).await.unwrap();
    assert!(first.headers().contains_key("x-buttress-retry"));
    assert!(!second.headers().contains_key("x-buttress-retry"));
}
