//! hyper on both ends, without a framework.

use std::convert::Infallible;
use std::net::SocketAddr;

use buttress::prelude::*;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tower::{ServiceBuilder, ServiceExt, service_fn};

use crate::hosts::support::{client, counted, counting, get, listen, read, tripping_at, within};

#[tokio::test]
async fn a_hyper_server_responds_to_rejections_with_problems() {
    let breaker = tripping_at(2);
    let stack = ServiceBuilder::new()
        .layer(ProblemLayer::default())
        .layer(BreakerLayer::client(&breaker))
        .service(service_fn(async |_: Request<hyper::body::Incoming>| {
            let mut response = Response::new(Full::<Bytes>::default());
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            Ok::<_, Infallible>(response)
        }));
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let service = TowerToHyperService::new(stack.clone());
            tokio::spawn(async move {
                auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(connection), service)
                    .await
            });
        }
    });

    // One connection for all: a rejection does not end it.
    let client = client();
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let response = within(client.request(get(address, "/"))).await.unwrap();
        statuses.push(response.status().as_u16());
        read(response).await;
    }
    assert_eq!(statuses, [502, 502, 503, 503]);
}

/// hyper's errors have an `io::Error` among their sources, which identifies the side that failed.
#[tokio::test]
async fn a_hyper_client_that_cannot_connect_opens_its_circuit() {
    let address = closed_port().await;
    let breaker = tripping_at(3);
    let service = ServiceBuilder::new()
        .layer(BreakerLayer::client(&breaker))
        .service(client());
    for _ in 0..3 {
        let call = service.clone().oneshot(get(address, "/"));
        let error = within(call).await.unwrap_err();
        assert!(error.is::<hyper_util::client::legacy::Error>());
        assert_eq!(
            buttress_core::classify_error(&*error).outcome,
            Outcome::Failure(buttress::FailureKind::Transport)
        );
    }
    let call = service.oneshot(get(address, "/"));
    let error = within(call).await.unwrap_err();
    let rejection = Rejection::find(&*error).unwrap();
    assert_eq!(rejection.reason(), Reason::CircuitOpen);
    assert!(rejection.retry_after().is_some());
}

/// A gateway: its client's requests are forwarded unchanged, and an unreachable upstream is a 502 until the circuit
/// opens.
#[tokio::test]
async fn a_hyper_gateway_responds_with_the_right_status() {
    let breaker = tripping_at(1);
    let gateway = ServiceBuilder::new()
        .layer(ProblemLayer::default())
        .layer(BreakerLayer::client(&breaker))
        .service(client());
    let address = closed_port().await;
    for expected in [StatusCode::BAD_GATEWAY, StatusCode::SERVICE_UNAVAILABLE] {
        let Ok(response) = within(gateway.clone().oneshot(get(address, "/"))).await;
        assert_eq!(response.status(), expected);
        let text = read(response).await;
        assert!(!text.contains(&address.to_string()), "{text}");
    }
}

/// A server that closes the connection in the middle of a body of known length.
#[tokio::test]
async fn a_hyper_client_fails_when_the_response_is_cut_off() {
    let breaker = counting();
    let service = ServiceBuilder::new()
        .layer(BreakerLayer::client(&breaker))
        .service(client());
    let address = raw(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await;
    let response = within(service.oneshot(get(address, "/"))).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let body = within(http_body_util::BodyExt::collect(response.into_body())).await;
    assert!(body.is_err());
    assert_eq!(counted(&breaker), (1, 1));
}

/// A port without a listener.
async fn closed_port() -> SocketAddr {
    let (_listener, address) = listen().await;
    address
}

/// A server that sends these bytes on every connection, and closes it.
pub(crate) async fn raw(answer: &'static [u8]) -> SocketAddr {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = connection.read(&mut request).await;
            let _ = connection.write_all(answer).await;
        }
    });
    address
}
