//! axum: connections, routes, bodies, and clients that disconnect.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use buttress::prelude::*;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::{Notify, Semaphore, mpsc};
use tower::{ServiceBuilder, ServiceExt};

/// A handler whose calls are in flight until they are released, one for each permit.
#[derive(Clone)]
struct Hanging {
    inside: Arc<AtomicUsize>,
    let_go: Arc<Semaphore>,
}

impl Hanging {
    fn new() -> Self {
        Self {
            inside: Arc::default(),
            let_go: Arc::new(Semaphore::new(0)),
        }
    }

    fn handler(&self) -> axum::routing::MethodRouter {
        let Self { inside, let_go } = self.clone();
        get(async move || {
            inside.fetch_add(1, Ordering::SeqCst);
            let_go.acquire().await.unwrap().forget();
            "done"
        })
    }

    fn inside(&self) -> usize {
        self.inside.load(Ordering::SeqCst)
    }
}

fn behind(bulkhead: &Bulkhead, routes: Router) -> Router {
    routes.layer(
        ServiceBuilder::new()
            .layer(ProblemLayer::default())
            .layer(BulkheadLayer::server(bulkhead)),
    )
}

fn of_one(queue: usize) -> Bulkhead {
    let config = BulkheadConfig::default().limit(1).queue(queue);
    Bulkhead::new("test", config.max_wait(PATIENCE))
}

/// A01 of tower-resilience, and tower's `ConcurrencyLimitLayer`: with `axum::serve` each connection has its own
/// limit, so ten connections are all admitted with a limit of one.
#[tokio::test]
async fn ten_connections_share_one_slot() {
    let bulkhead = of_one(0);
    let hanging = Hanging::new();
    let address = serve(behind(
        &bulkhead,
        Router::new().route("/", hanging.handler()),
    ))
    .await;

    let first = tokio::spawn(ask(client(), address, "/"));
    until(|| hanging.inside() == 1).await;
    for _ in 0..9 {
        let response = ask(client(), address, "/").await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json"
        );
        let problem: serde_json::Value = serde_json::from_slice(&read(response).await).unwrap();
        assert_eq!(problem["reason"], "bulkhead_full");
    }
    assert_eq!(hanging.inside(), 1);
    hanging.let_go.add_permits(1);
    assert_eq!(read(first.await.unwrap()).await, "done");
}

/// A02: a router that is a service itself calls `layer` for each request.
#[tokio::test]
async fn a_router_as_a_service_keeps_its_slots() {
    let bulkhead = of_one(0);
    let hanging = Hanging::new();
    let app = || behind(&bulkhead, Router::new().route("/", hanging.handler()));
    let first = tokio::spawn(app().oneshot(Request::new(Body::empty())));
    until(|| hanging.inside() == 1).await;
    for _ in 0..9 {
        let response = app().oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
    hanging.let_go.add_permits(1);
    assert_eq!(first.await.unwrap().unwrap().status(), StatusCode::OK);
}

/// A03: axum applies a layer to each route, and each has its own limit.
#[tokio::test]
async fn three_routes_share_one_slot() {
    let bulkhead = of_one(0);
    let hanging = Hanging::new();
    let routes = ["/a", "/b", "/c"]
        .into_iter()
        .fold(Router::new(), |routes, path| {
            routes.route(path, hanging.handler())
        });
    let address = serve(behind(&bulkhead, routes)).await;
    let first = tokio::spawn(ask(client(), address, "/a"));
    until(|| hanging.inside() == 1).await;
    for path in ["/b", "/c"] {
        let response = ask(client(), address, path).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
    hanging.let_go.add_permits(1);
    assert_eq!(first.await.unwrap().status(), StatusCode::OK);
    assert_eq!(hanging.inside(), 1);
}

/// A04 and K04 of tower-resilience, tower-http#447: the slot is released with the head of the response, and any
/// number of bodies stream with a limit of one.
#[tokio::test]
async fn a_body_that_streams_keeps_its_slot() {
    let bulkhead = of_one(0);
    let (frames, kept) = mpsc::channel::<Result<Bytes, std::io::Error>>(1);
    let kept = Arc::new(std::sync::Mutex::new(Some(kept)));
    let handler = async move || {
        let stream = kept
            .lock()
            .unwrap()
            .take()
            .map(tokio_stream::wrappers::ReceiverStream::new);
        stream.map_or_else(
            || Response::new(Body::empty()),
            |stream| Response::new(Body::from_stream(stream)),
        )
    };
    let address = serve(behind(&bulkhead, Router::new().route("/", get(handler)))).await;

    frames.send(Ok(Bytes::from_static(b"one"))).await.unwrap();
    let mut streaming = ask(client(), address, "/").await;
    assert_eq!(streaming.status(), StatusCode::OK);
    let frame = within(streaming.body_mut().frame()).await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "one");
    let second = ask(client(), address, "/").await;
    assert_eq!(second.status(), StatusCode::SERVICE_UNAVAILABLE);

    drop(frames);
    assert_eq!(read(streaming).await, "");
    until(|| bulkhead.snapshot().in_flight == 0).await;
    assert_eq!(ask(client(), address, "/").await.status(), StatusCode::OK);
}

/// tower's `GlobalConcurrencyLimit` (tower#408): idle keep-alive connections have polled `poll_ready`, and hold a
/// permit each.
#[tokio::test]
async fn keep_alive_connections_take_no_slots() {
    let bulkhead = of_one(0);
    let app = Router::new().route("/", get(async || "done"));
    let address = serve(behind(&bulkhead, app)).await;
    let mut idle = Vec::new();
    for _ in 0..8 {
        let client = client();
        let response = ask(client.clone(), address, "/").await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(read(response).await, "done");
        until(|| bulkhead.snapshot().in_flight == 0).await;
        idle.push(client);
    }
}

/// A client that disconnects releases its slot, whether it waited or was served; the next waiter is served.
#[tokio::test]
async fn a_client_that_disconnects_releases_its_slot_or_its_place_in_the_queue() {
    let bulkhead = of_one(2);
    let hanging = Hanging::new();
    let address = serve(behind(
        &bulkhead,
        Router::new().route("/", hanging.handler()),
    ))
    .await;
    let inside = tokio::spawn(ask(client(), address, "/"));
    until(|| hanging.inside() == 1).await;
    let waiting = tokio::spawn(ask(client(), address, "/"));
    until(|| bulkhead.snapshot().queued == 1).await;
    let last = tokio::spawn(ask(client(), address, "/"));
    until(|| bulkhead.snapshot().queued == 2).await;

    waiting.abort();
    until(|| bulkhead.snapshot().queued == 1).await;
    inside.abort();
    until(|| hanging.inside() == 2).await;
    hanging.let_go.add_permits(1);
    assert_eq!(last.await.unwrap().status(), StatusCode::OK);
}

const PATIENCE: Duration = Duration::from_secs(30);

async fn serve(app: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = Arc::new(Notify::new());
    let started = Arc::clone(&serving);
    tokio::spawn(async move {
        started.notify_one();
        axum::serve(listener, app).await
    });
    serving.notified().await;
    address
}

/// A separate client has separate connections.
fn client() -> Client<HttpConnector, Body> {
    Client::builder(TokioExecutor::new()).build_http()
}

async fn ask(
    client: Client<HttpConnector, Body>,
    address: SocketAddr,
    path: &str,
) -> Response<hyper::body::Incoming> {
    let request = Request::get(format!("http://{address}{path}"));
    let request = request.body(Body::empty()).unwrap();
    within(client.request(request)).await.unwrap()
}

async fn read(response: Response<hyper::body::Incoming>) -> Bytes {
    within(response.into_body().collect())
        .await
        .unwrap()
        .to_bytes()
}

/// The output of `future`, before the timeout of a test.
async fn within<F: Future>(future: F) -> F::Output {
    let result = tokio::time::timeout(PATIENCE, future).await;
    result.expect("a test on loopback takes less than half a minute")
}

/// Yields to other tasks until `condition` holds.
async fn until(condition: impl Fn() -> bool) {
    within(async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
