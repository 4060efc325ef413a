//! reqwest with Buttress's layers.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use buttress::Ratio;
use buttress::prelude::*;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use reqwest::Body;
use tower::{Service, ServiceBuilder, ServiceExt};

use crate::hosts::hyper_ends::raw;
use crate::hosts::support::{counted, counting, read, serve, tripping_at, uri, within};

#[tokio::test]
async fn a_failing_upstream_gets_no_calls_for_as_long_as_it_requested() {
    let breaker = tripping_at(3);
    let unavailable = async || (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "30")]);
    let address = serve(Router::new().route("/", get(unavailable))).await;
    // An upstream that requests a wait is overloaded, which counts in the ratio.
    let config = breaker
        .config()
        .window(Window::Count(10))
        .failure_ratio(Ratio::HALF)
        .minimum_calls(3);
    breaker
        .reconfigure(config.open_for(OpenDuration::Fixed(Duration::from_secs(1))))
        .unwrap();
    let service = behind(&breaker);
    for _ in 0..3 {
        let response = call(&service, uri(address, "/")).await.unwrap();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
    let error = call(&service, uri(address, "/")).await.map(drop);
    let error = error.unwrap_err();
    let rejection = Rejection::find(&*error).unwrap();
    let after = rejection.retry_after().unwrap();
    assert!(after > Duration::from_secs(20), "{after:?}");
    assert_eq!(rejection.layer(), "test");
}

#[tokio::test]
async fn a_response_that_is_read_to_its_end_is_a_success() {
    let breaker = counting();
    let address = serve(Router::new().route("/", get(async || "hello"))).await;
    let response = call(&behind(&breaker), uri(address, "/")).await.unwrap();
    assert_eq!(read(response).await, "hello");
    assert_eq!(counted(&breaker), (1, 0));
}

#[tokio::test]
async fn a_response_that_is_cut_off_is_a_failure() {
    let breaker = counting();
    for answer in [
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".as_slice(),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ] {
        let address = raw(answer).await;
        let response = call(&behind(&breaker), uri(address, "/")).await.unwrap();
        within(response.into_body().collect()).await.unwrap_err();
    }
    assert_eq!(counted(&breaker), (2, 2));
}

#[tokio::test]
async fn a_timeout_of_the_client_is_a_failure() {
    let breaker = counting();
    let address = serve(Router::new().route("/", get(std::future::pending::<()>))).await;
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_millis(1));
    let service = ServiceBuilder::new()
        .layer(BreakerLayer::client(&breaker))
        .service(HttpClient::from(client.build().unwrap()));
    let error = call(&service, uri(address, "/")).await.map(drop);
    let error = error.unwrap_err();
    assert_eq!(
        buttress_core::classify_error(&*error).outcome,
        Outcome::Failure(buttress::FailureKind::Timeout)
    );
    assert_eq!(counted(&breaker), (1, 1));
}

/// The head was in time, and the body was not. The error is a timeout, and the breaker does not count it, because the
/// duration of a body depends on its reader.
#[tokio::test]
async fn a_timeout_in_the_middle_of_a_body_is_no_broken_connection() {
    let hanging = async || {
        let head = tokio_stream::iter([Ok::<_, &str>(http_body::Frame::data("half".into()))]);
        let never = tokio_stream::pending();
        let frames = tokio_stream::StreamExt::chain(head, never);
        axum::body::Body::new(http_body_util::StreamBody::new(frames))
    };
    let address = serve(Router::new().route("/", get(hanging))).await;
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(1));
    let client = HttpClient::from(client.build().unwrap());
    let is_neutral = async |attempt_timeout: Option<Duration>| {
        let breaker = counting();
        let config = breaker.config().attempt_timeout(attempt_timeout);
        breaker.reconfigure(config).unwrap();
        let service = ServiceBuilder::new()
            .layer(BreakerLayer::client(&breaker))
            .service(client.clone());
        let response = call(&service, uri(address, "/")).await.unwrap();
        let error = within(response.into_body().collect()).await.unwrap_err();
        assert_eq!(
            buttress_core::classify_error(&*error).outcome,
            Outcome::Failure(buttress::FailureKind::Timeout)
        );
        assert_eq!(counted(&breaker), (0, 0));
    };
    // reqwest's clock cannot be paused with a real socket: both concurrently, in a second.
    tokio::join!(
        is_neutral(None),
        is_neutral(Some(Duration::from_millis(500))),
    );
}

/// A request that cannot be sent is the caller's mistake.
#[tokio::test]
async fn a_request_that_cannot_be_sent_is_not_counted() {
    let breaker = counting();
    let service = behind(&breaker);
    call(&service, "/nowhere".parse().unwrap())
        .await
        .map(drop)
        .unwrap_err();
    assert_eq!(counted(&breaker), (0, 0));
}

/// The problem of one service is read by the next, through a real connection.
#[tokio::test]
async fn a_rejection_upstream_is_read_back_as_a_problem() {
    let upstream = tripping_at(1);
    upstream.trip();
    let app = Router::new().route("/", get(async || "never")).layer(
        ServiceBuilder::new()
            .layer(ProblemLayer::default())
            .layer(BreakerLayer::client(&upstream)),
    );
    let address = serve(app).await;
    let breaker = counting();
    let response = call(&behind(&breaker), uri(address, "/")).await.unwrap();
    let error = ProblemError::check(response, 64 * 1024)
        .await
        .map(drop)
        .unwrap_err();
    let problem = error.problem();
    assert_eq!(problem.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(problem.reason(), Some(Reason::CircuitOpen));
    assert!(problem.retry_after().is_some());
}

/// The whole stack: with the URL, the text, and the errors of the layers.
#[tokio::test]
async fn a_response_of_layers_converts_to_one_of_reqwest() {
    let routes = Router::new().route("/", get(async || "hello"));
    let routes = routes.route("/gone", get(async || StatusCode::GONE));
    let address = serve(routes).await;
    let cut = raw(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await;
    let breaker = counting();
    let retry = Retry::new("test", RetryConfig::default());
    let service = ServiceBuilder::new()
        .layer(DeadlineLayer::client(&Deadlines::default()))
        .layer(RetryLayer::client(&retry))
        .service(behind(&breaker));

    let response = buttress::to_reqwest(call(&service, uri(address, "/")).await.unwrap());
    assert_eq!(response.url().as_str(), uri(address, "/").to_string());
    assert_eq!(response.text().await.unwrap(), "hello");
    assert_eq!(counted(&breaker), (1, 0));

    let gone = buttress::to_reqwest(call(&service, uri(address, "/gone")).await.unwrap());
    let error = gone.error_for_status().unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::GONE));

    let response = buttress::to_reqwest(call(&service, uri(cut, "/")).await.unwrap());
    let error = within(response.bytes()).await.unwrap_err();
    assert_eq!(
        buttress_core::classify_error(&error).outcome,
        Outcome::Failure(buttress::FailureKind::Transport)
    );
    assert_eq!(counted(&breaker), (3, 1));
}

fn behind(
    breaker: &Breaker,
) -> buttress::breaker::BreakerService<HttpClient, buttress::http::Http> {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    ServiceBuilder::new()
        .layer(BreakerLayer::client(breaker))
        .service(HttpClient::from(client))
}

async fn call<S>(service: &S, uri: http::Uri) -> Result<S::Response, S::Error>
where
    S: Service<Request<Body>> + Clone,
{
    let request = Request::get(uri).body(Body::default()).unwrap();
    within(service.clone().oneshot(request)).await
}
