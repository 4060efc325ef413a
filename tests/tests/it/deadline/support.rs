use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use buttress::prelude::*;
use bytes::Bytes;
use http::{Request, Uri};
use http_body::Frame;
use http_body_util::StreamBody;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tokio_stream::StreamExt;

/// Long enough for a call on loopback, and short enough to wait for.
pub(crate) const SOON: Duration = Duration::from_millis(60);

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
    let request = Request::get(uri(address, path));
    request.body(Body::empty()).unwrap()
}

/// hyper's client, which is an HTTP service itself.
pub(crate) fn client() -> Client<HttpConnector, Body> {
    Client::builder(TokioExecutor::new()).build_http()
}

/// A body that starts and never ends.
pub(crate) fn endless() -> Body {
    let first = Ok::<_, BoxError>(Frame::data(Bytes::from_static(b"first")));
    let frames = tokio_stream::once(first).chain(tokio_stream::pending());
    Body::new(StreamBody::new(frames))
}

/// The output of `future`, before the timeout of a test.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    let patience = Duration::from_secs(30);
    let result = tokio::time::timeout(patience, future).await;
    result.expect("a test on loopback takes less than half a minute")
}

/// The reason, if a call was rejected or ended.
pub(crate) fn reason(error: &(dyn std::error::Error + 'static)) -> Option<Reason> {
    Rejection::find(error).map(Rejection::reason)
}
