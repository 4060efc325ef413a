//! axum: routes, connections and handlers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use buttress::prelude::*;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use tower::layer::layer_fn;
use tower::{ServiceBuilder, ServiceExt};

use crate::hosts::support::{self, client, counted, counting, read, serve, tripping_at, within};

async fn broken() -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

/// Defects A03 and B18 of tower-resilience: axum applies a layer to each route, and each has its own state.
#[tokio::test]
async fn all_routes_under_one_breaker_share_its_state() {
    let breaker = tripping_at(3);
    let layered = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&layered);
    let app: Router = Router::new()
        .route("/a", get(broken))
        .route("/b", get(broken))
        .route("/c", get(async || "fine"))
        .layer(
            ServiceBuilder::new()
                .layer(ProblemLayer::default())
                .layer(layer_fn(move |inner| {
                    counted.fetch_add(1, Ordering::Relaxed);
                    inner
                }))
                .layer(BreakerLayer::client(&breaker)),
        );
    assert!(
        layered.load(Ordering::Relaxed) >= 3,
        "a layer for each route"
    );

    for path in ["/a", "/b", "/a"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
    let request = Request::get("/c").body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
}

/// Defect A02: a router that is a service itself calls `layer` for each request.
#[tokio::test]
async fn a_router_as_a_service_keeps_its_breaker() {
    let breaker = tripping_at(3);
    let refused = (0..20).map(async |_| {
        // As if it were built for each request.
        let app: Router = Router::new().route("/", get(broken)).layer(
            ServiceBuilder::new()
                .layer(ProblemLayer::default())
                .layer(BreakerLayer::client(&breaker)),
        );
        let response = app.oneshot(Request::new(Body::empty())).await.unwrap();
        response.status() == StatusCode::SERVICE_UNAVAILABLE
    });
    let mut total = 0;
    for refused in refused {
        total += usize::from(refused.await);
    }
    assert_eq!(total, 17);
}

/// Defect A01: with `axum::serve` each connection has its own state. And the response to a client.
#[tokio::test]
async fn every_connection_has_the_same_open_breaker() {
    let breaker = tripping_at(3);
    let calls = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&calls);
    let handler = async move || {
        seen.fetch_add(1, Ordering::Relaxed);
        StatusCode::BAD_GATEWAY
    };
    let app = Router::new().route("/orders", get(handler)).layer(
        ServiceBuilder::new()
            .layer(ProblemLayer::default())
            .layer(BreakerLayer::client(&breaker)),
    );
    let address = serve(app).await;

    let mut statuses = Vec::new();
    for _ in 0..10 {
        // A separate client has separate connections.
        let response = client().request(support::get(address, "/orders"));
        let response = within(response).await.unwrap();
        statuses.push(response.status().as_u16());
        if response.status() == StatusCode::SERVICE_UNAVAILABLE {
            let headers = response.headers();
            assert_eq!(headers["content-type"], "application/problem+json");
            assert_eq!(headers["cache-control"], "no-store");
            let after: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
            assert!((1..=60).contains(&after), "{after}");
            let problem: serde_json::Value = serde_json::from_str(&read(response).await).unwrap();
            assert_eq!(problem["reason"], "circuit_open");
            assert_eq!(problem["status"], 503);
        }
    }
    let expected: Vec<_> = [[502; 3].as_slice(), &[503; 7]].concat();
    assert_eq!(statuses, expected);
    assert_eq!(calls.load(Ordering::Relaxed), 3);
}

/// Defects CF1 and CF2: no layer of Buttress requires that a request, a response or an error is `Clone`.
#[tokio::test]
async fn an_axum_body_of_any_kind_passes() {
    let breaker = counting();
    let echo = async |request: Request<Body>| Response::new(request.into_body());
    let app: Router = Router::new().route("/", axum::routing::post(echo)).layer(
        ServiceBuilder::new()
            .layer(ProblemLayer::default())
            .layer(BreakerLayer::client(&breaker)),
    );
    let frames = ["a", "b", "c"].map(|text| {
        Ok::<_, std::convert::Infallible>(http_body::Frame::data(Bytes::from_static(
            text.as_bytes(),
        )))
    });
    let body = Body::new(StreamBody::new(tokio_stream::iter(frames)));
    let request = Request::post("/").body(body).unwrap();
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(read(response).await, "abc");
    assert_eq!(counted(&breaker), (1, 0));
}

/// Defect A04: fifty of fifty broken bodies are successes for a breaker that reads only the head.
#[tokio::test]
async fn a_handler_whose_body_breaks_off_has_failed() {
    let breaker = counting();
    let breaks_off = async || {
        let frames = [Ok("half"), Err("reset")].map(|part| {
            part.map(|text| http_body::Frame::data(Bytes::from_static(text.as_bytes())))
        });
        Response::new(Body::new(StreamBody::new(tokio_stream::iter(frames))))
    };
    let app = Router::new().route("/", get(breaks_off)).layer(
        ServiceBuilder::new()
            .layer(ProblemLayer::default())
            .layer(BreakerLayer::client(&breaker)),
    );
    let address = serve(app).await;
    for _ in 0..5 {
        let client = client();
        let answer = async {
            let response = client.request(support::get(address, "/")).await?;
            Ok::<_, BoxError>(response.into_body().collect().await?)
        };
        // hyper decides how much of it is sent before the connection breaks.
        assert!(within(answer).await.is_err(), "the client sees it too");
    }
    support::until(|| counted(&breaker) == (5, 5)).await;
}

#[tokio::test]
async fn responses_without_a_body_and_head_requests_settle() {
    let breaker = counting();
    let app = Router::new()
        .route("/empty", get(async || StatusCode::NO_CONTENT))
        .route("/full", get(async || "a body that HEAD does not get"))
        .layer(
            ServiceBuilder::new()
                .layer(ProblemLayer::default())
                .layer(BreakerLayer::client(&breaker)),
        );
    let address = serve(app).await;
    let client = client();
    within(client.request(support::get(address, "/empty")))
        .await
        .unwrap();
    support::until(|| counted(&breaker) == (1, 0)).await;

    let head = Request::head(support::uri(address, "/full"));
    let response = within(client.request(head.body(Body::empty()).unwrap())).await;
    assert_eq!(response.unwrap().headers()["content-length"], "29");
    support::until(|| counted(&breaker) == (2, 0)).await;
}
