//! Tiers of axum servers that call each other with hyper's client: attempts do not multiply.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use buttress::Direct;
use buttress::http::Idempotent;
use buttress::prelude::*;
use http::{HeaderMap, Request, Response, StatusCode};
use tower::{Service, ServiceBuilder, ServiceExt};

use crate::hosts::support::{client, get as get_from, listen, read, serve, uri, within};

/// Three attempts without waits, and a budget that never runs out.
pub(crate) fn retry() -> Retry {
    let backoff = Backoff::default().base(Duration::ZERO).cap(Duration::ZERO);
    let budget = BudgetConfig::default()
        .floor_ratio(0.0)
        .ratio(100.0)
        .in_flight_share(None);
    let config = RetryConfig::default().backoff(backoff).budget(budget);
    Retry::new("test", config)
}

/// One success that deposits enough for all retries.
pub(crate) async fn pay<S>(service: &S, address: SocketAddr)
where
    S: Service<Request<Body>, Response: Sized> + Clone,
    S::Error: std::fmt::Debug,
{
    let request = get_from(address, "/fine");
    let response = within(service.clone().oneshot(request)).await;
    drop(response.expect("it succeeds"));
}

/// A leaf that counts its calls and fails all of them except those to `/fine`.
async fn leaf() -> (SocketAddr, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let fails = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        async { StatusCode::SERVICE_UNAVAILABLE }
    };
    let app = Router::new()
        .route("/", get(fails))
        .route("/fine", get(async || "fine"));
    (serve(app).await, calls)
}

/// A server that forwards the response of the tier below, with up to three attempts.
async fn tier(below: SocketAddr, marks: bool) -> SocketAddr {
    let service = ServiceBuilder::new()
        .layer(RetryLayer::client(&retry()))
        .service(client());
    pay(&service, below).await;
    let handler = move |request: Request<Body>| {
        let service = service.clone();
        async move {
            let path = request.uri().path().to_owned();
            let response = service.oneshot(get_from(below, &path)).await;
            response.map_or(StatusCode::BAD_GATEWAY, |response| response.status())
        }
    };
    let app = Router::new()
        .route("/", get(handler.clone()))
        .route("/fine", get(handler));
    serve(if marks { app.layer(RetryMark) } else { app }).await
}

async fn attempts_at_the_leaf(marks: bool) -> usize {
    let (mut address, calls) = leaf().await;
    for _ in 0..3 {
        address = tier(address, marks).await;
    }
    let response = within(client().oneshot(get_from(address, "/"))).await;
    assert_eq!(response.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
    calls.load(Ordering::Relaxed)
}

#[tokio::test]
async fn tiers_with_marks_do_not_multiply_attempts() {
    assert_eq!(attempts_at_the_leaf(true).await, 3);
    assert_eq!(attempts_at_the_leaf(false).await, 27);
}

/// A streaming body is sent completely in each attempt, over a connection, with the attempt's number.
#[tokio::test]
async fn a_body_is_replayed_over_a_connection() {
    let app = Router::new()
        .route(
            "/",
            post(|headers: HeaderMap, body: String| async move {
                let attempt = headers
                    .get("x-attempt")
                    .map(|n| n.to_str().unwrap().to_owned());
                match attempt.as_deref() {
                    Some("3") => (StatusCode::OK, body),
                    _ => (StatusCode::SERVICE_UNAVAILABLE, body),
                }
            }),
        )
        .route("/fine", get(async || "fine"));
    let address = serve(app).await;
    let service = ServiceBuilder::new()
        .layer(RetryLayer::client(&retry()))
        .service(client());
    pay(&service, address).await;
    let frames = tokio_stream::iter(["he", "llo"].map(|data| {
        Ok::<_, std::io::Error>(http_body::Frame::data(bytes::Bytes::from_static(
            data.as_bytes(),
        )))
    }));
    let request = Request::post(uri(address, "/"))
        .extension(Idempotent(true))
        .body(Body::new(http_body_util::StreamBody::new(frames)))
        .unwrap();
    let response = within(service.oneshot(request)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(read(response).await, "hello");
}

/// There is no listener. A client that follows no redirects knows that the request was not processed, so a POST is
/// retried.
#[tokio::test]
async fn a_refused_connection_is_retried_for_any_method() {
    let (listener, address) = listen().await;
    drop(listener);
    let retry = retry();
    let service = ServiceBuilder::new()
        .layer(RetryLayer::client(&retry))
        .service(Direct::new(client()));
    let fine = serve(Router::new().route("/fine", get(async || "fine"))).await;
    pay(&service, fine).await;
    let request = Request::post(uri(address, "/"))
        .body(Body::from("once"))
        .unwrap();
    let error = within(service.oneshot(request))
        .await
        .map(drop)
        .unwrap_err();
    let stopped = RetryStopped::find(&*error).unwrap();
    assert_eq!(
        (stopped.reason(), stopped.attempts()),
        (StopReason::AttemptsExhausted, 4)
    );
}

/// An axum service without a connection: the layer also works on the server's side.
#[tokio::test]
async fn a_router_can_be_retried() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let app: Router = Router::new().route(
        "/",
        get(move || {
            let call = counted.fetch_add(1, Ordering::Relaxed);
            async move {
                match call {
                    0 | 2 => StatusCode::OK,
                    _ => StatusCode::BAD_GATEWAY,
                }
            }
        }),
    );
    let service = RetryLayer::client(&retry());
    let service = tower::Layer::layer(&service, app);
    for expected in [1, 3] {
        let request = Request::get("/").body(Body::empty()).unwrap();
        let response: Response<_> = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(calls.load(Ordering::Relaxed), expected);
    }
}
