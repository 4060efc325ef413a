//! Clients that disconnect.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use buttress::prelude::*;
use buttress_testkit::Gauge;
use bytes::Bytes;
use http::{Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tower::ServiceBuilder;

use crate::hosts::support::{self, client, counted, counting, read, serve, until, within};

/// Defect B10 of tower-resilience is a call without a recorded end. Here the end is recorded, and is not a failure,
/// because the dependency did not have its full time.
#[tokio::test]
async fn a_client_that_disconnects_before_the_response_cancels_its_call() {
    let (breaker, under_way) = (counting(), Gauge::default());
    let address = serve(app(&breaker, &under_way)).await;

    let connection = ask(address, "/never").await;
    until(|| under_way.now() == 1).await;
    drop(connection);

    until(|| under_way.now() == 0).await;
    assert_eq!(counted(&breaker), (0, 0));
}

/// A probe whose client disconnects releases its slot to the next.
#[tokio::test]
async fn a_probe_releases_its_slot_when_the_client_disconnects() {
    let moment = OpenDuration::Fixed(Duration::from_millis(1));
    let config = BreakerConfig::default().open_for(moment).probes(1);
    let (breaker, under_way) = (Breaker::new("test", config), Gauge::default());
    let address = serve(app(&breaker, &under_way)).await;
    breaker.trip();
    until(|| breaker.state() == CircuitState::HalfOpen).await;

    let connection = ask(address, "/never").await;
    until(|| under_way.now() == 1).await;
    let refused = within(client().request(support::get(address, "/quick"))).await;
    assert_eq!(refused.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
    drop(connection);
    until(|| breaker.snapshot().probes_under_way == 0).await;

    let response = within(client().request(support::get(address, "/quick"))).await;
    assert_eq!(read(response.unwrap()).await, "quick");
    until(|| breaker.state() == CircuitState::Closed).await;
}

/// The client has the head and a part of the body, and disconnects: the inner stream is dropped, and it is not a
/// failure.
#[tokio::test]
async fn a_client_that_disconnects_in_the_middle_of_a_body_cancels_its_call() {
    let (breaker, under_way) = (counting(), Gauge::default());
    let address = serve(app(&breaker, &under_way)).await;
    let client = client();
    let response = within(client.request(support::get(address, "/endless"))).await;
    let mut body = response.unwrap().into_body();
    within(body.frame()).await.unwrap().unwrap();
    assert_eq!(under_way.now(), 1);
    drop((body, client));

    until(|| under_way.now() == 0).await;
    assert_eq!(counted(&breaker), (0, 0));
}

/// Three routes: one never answers, one is quick, one never stops. `under_way` counts the calls in flight.
fn app(breaker: &Breaker, under_way: &Gauge) -> Router {
    let (waiting, streaming) = (under_way.clone(), under_way.clone());
    let never = move || {
        let presence = waiting.enter();
        async move {
            let _presence = presence;
            std::future::pending::<()>().await;
        }
    };
    let endless = move || {
        let presence = streaming.enter();
        let frames = std::iter::repeat_with(move || {
            let _ = &presence;
            Ok::<_, &str>(Frame::data(Bytes::from_static(&[b'x'; 1024])))
        });
        let body = Body::new(StreamBody::new(tokio_stream::iter(frames)));
        std::future::ready(Response::new(body))
    };
    Router::new()
        .route("/never", get(never))
        .route("/quick", get(async || "quick"))
        .route("/endless", get(endless))
        .layer(
            ServiceBuilder::new()
                .layer(ProblemLayer::default())
                .layer(BreakerLayer::client(breaker)),
        )
}

/// Sends a request over a plain socket, so that only dropping the connection ends it.
async fn ask(address: SocketAddr, path: &str) -> TcpStream {
    let mut connection = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    connection
}
