use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use buttress::prelude::*;
use http::{Request, Response, Uri};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;

/// A breaker that opens after this many consecutive failures only, and stays open.
pub(crate) fn tripping_at(failures: u32) -> Breaker {
    let config = BreakerConfig::default()
        .failure_ratio(None)
        .consecutive_failures(failures)
        .open_for(OpenDuration::Fixed(Duration::from_secs(60)));
    Breaker::new("test", config)
}

/// A breaker that never opens, and only counts.
pub(crate) fn counting() -> Breaker {
    let config = BreakerConfig::default()
        .failure_ratio(None)
        .consecutive_failures(None);
    Breaker::new("test", config)
}

/// The calls and failures in the window.
pub(crate) fn counted(breaker: &Breaker) -> (u64, u64) {
    let counts = breaker.snapshot().counts;
    (counts.calls, counts.failures)
}

/// A free port on loopback.
pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Serves `app` until the test's runtime ends.
pub(crate) async fn serve(app: Router) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async { axum::serve(listener, app).await });
    address
}

pub(crate) fn uri(address: SocketAddr, path: &str) -> Uri {
    format!("http://{address}{path}").parse().unwrap()
}

pub(crate) fn get(address: SocketAddr, path: &str) -> Request<Body> {
    Request::get(uri(address, path))
        .body(Body::empty())
        .unwrap()
}

/// hyper's client, which is an HTTP service itself.
pub(crate) fn client() -> Client<HttpConnector, Body> {
    Client::builder(TokioExecutor::new()).build_http()
}

/// The whole body.
pub(crate) async fn read<B>(response: Response<B>) -> String
where
    B: http_body::Body,
    B::Error: std::fmt::Debug,
{
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

/// The output of `future`, before the timeout of a test.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    let patience = Duration::from_secs(30);
    let result = tokio::time::timeout(patience, future).await;
    result.expect("a test on loopback takes less than half a minute")
}

/// Yields to other tasks until `condition` holds.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    within(async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
