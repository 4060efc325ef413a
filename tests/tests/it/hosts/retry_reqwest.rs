//! reqwest with a retry.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::response::Redirect;
use axum::routing::{get, post, put};
use buttress::prelude::*;
use http::{HeaderMap, Request, StatusCode};
use reqwest::Body;
use tower::{ServiceBuilder, ServiceExt};

use crate::hosts::hyper_ends::raw;
use crate::hosts::retry_axum::retry;
use crate::hosts::support::{listen, read, serve, uri, within};

type Client = buttress::retry::RetryService<HttpClient, buttress::retry::HttpRetry>;

/// A client after a success, which deposits enough for all retries.
async fn client() -> Client {
    let inner = reqwest::Client::builder().no_proxy().build().unwrap();
    let service = ServiceBuilder::new()
        .layer(RetryLayer::client(&retry()))
        .service(HttpClient::from(inner));
    let fine = serve(Router::new().route("/", get(async || "fine"))).await;
    let request = Request::get(uri(fine, "/")).body(Body::default()).unwrap();
    let response = within(service.clone().oneshot(request)).await.unwrap();
    assert_eq!(read(response).await, "fine");
    service
}

#[tokio::test]
async fn a_put_is_retried_with_its_body_and_its_length() {
    let answer = async |headers: HeaderMap, body: String| {
        let length = headers["content-length"].to_str().unwrap().to_owned();
        let status = match headers.get("x-attempt") {
            Some(_) => StatusCode::OK,
            None => StatusCode::BAD_GATEWAY,
        };
        (status, format!("{body} of {length}"))
    };
    let address = serve(Router::new().route("/", put(answer))).await;
    let client = client().await;
    let request = Request::put(uri(address, "/"))
        .body("hello".into())
        .unwrap();
    let response = within(client.oneshot(request)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(read(response).await, "hello of 5");
}

/// A 307 repeats the body, and reqwest follows it only if it can clone the body.
#[tokio::test]
async fn a_redirect_with_a_body_is_still_followed() {
    let app = Router::new()
        .route("/", post(async || Redirect::temporary("/there")))
        .route("/there", post(async |body: String| body));
    let address = serve(app).await;
    let client = client().await;
    let request = Request::post(uri(address, "/"))
        .body("hello".into())
        .unwrap();
    let response = within(client.oneshot(request)).await.unwrap();
    assert_eq!(read(response).await, "hello");
}

#[tokio::test]
async fn a_lost_connection_is_retried_if_that_is_safe() {
    for (method, attempts) in [("GET", 3), ("POST", 1)] {
        let address = raw(b"").await;
        let client = client().await;
        let request = Request::builder()
            .method(method)
            .uri(uri(address, "/"))
            .body(Body::default())
            .unwrap();
        let error = within(client.oneshot(request)).await.map(drop).unwrap_err();
        let stopped = RetryStopped::find(&*error).unwrap();
        assert_eq!(stopped.attempts(), attempts, "{method}: {error}");
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_sent_is_not_sent_again() {
    let client = client().await;
    let request = Request::get("/relative").body(Body::default()).unwrap();
    let error = client.oneshot(request).await.map(drop).unwrap_err();
    assert_eq!(RetryStopped::find(&*error), None);
}

/// F01: the order was placed, and its response redirects to a port without a listener.
#[tokio::test]
async fn a_post_that_was_redirected_to_a_closed_port_is_sent_once() {
    let dead = listen().await.1;
    let orders = Arc::new(AtomicUsize::new(0));
    let placed = Arc::clone(&orders);
    let order = move || {
        placed.fetch_add(1, Ordering::Relaxed);
        async move { Redirect::to(&format!("http://{dead}/done")) }
    };
    let address = serve(Router::new().route("/", post(order))).await;
    let request = Request::post(uri(address, "/")).body("{}".into()).unwrap();
    let error = within(client().await.oneshot(request)).await.map(drop);
    let error = error.unwrap_err();
    assert_eq!(orders.load(Ordering::Relaxed), 1);
    let stopped = RetryStopped::find(&*error).map(|stopped| stopped.reason());
    assert_eq!(stopped, Some(StopReason::NotIdempotent));
}

/// A client that follows no redirects knows that a request without a connection was not processed.
#[tokio::test]
async fn a_refused_connection_is_retried_by_a_client_without_redirects() {
    let dead = listen().await.1;
    let builder = reqwest::Client::builder().no_proxy();
    let service = ServiceBuilder::new()
        .layer(RetryLayer::client(&retry()))
        .service(HttpClient::without_redirects(builder).unwrap());
    let fine = serve(Router::new().route("/", get(async || "fine"))).await;
    let request = Request::get(uri(fine, "/")).body(Body::default()).unwrap();
    let response = within(service.clone().oneshot(request)).await.unwrap();
    assert_eq!(read(response).await, "fine");

    let request = Request::post(uri(dead, "/")).body("{}".into()).unwrap();
    let error = within(service.oneshot(request)).await.map(drop);
    let error = error.unwrap_err();
    let stopped = RetryStopped::find(&*error).unwrap();
    assert_eq!(stopped.reason(), StopReason::AttemptsExhausted);
    assert_eq!(stopped.attempts(), 4);
}
