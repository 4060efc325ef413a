//! Websockets: the call of a layer ends with `101 Switching Protocols`, and the connection continues.

use axum::extract::Extension;
use axum::extract::ws::WebSocketUpgrade;
use buttress::bulkhead::BulkheadHold;
use buttress::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower::ServiceBuilder;

use crate::holding::support::{serve, until};

/// A client that requests a websocket, and its response.
async fn open(address: std::net::SocketAddr) -> (u16, TcpStream) {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = "GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut line = [0; 12];
    socket.read_exact(&mut line).await.unwrap();
    let status = String::from_utf8_lossy(&line[9..]).parse().unwrap();
    (status, socket)
}

/// A server of websockets with a handler that keeps the slot, or does not.
async fn sockets(bulkhead: &Bulkhead, keeps: bool) -> std::net::SocketAddr {
    let handler = move |place: Option<Extension<BulkheadHold>>, upgrade: WebSocketUpgrade| async move {
        let place = place.filter(|_| keeps);
        upgrade.on_upgrade(|mut socket| async move {
            while let Some(Ok(_)) = socket.recv().await {}
            drop(place);
        })
    };
    let routes = axum::Router::new()
        .route("/", axum::routing::any(handler))
        .layer(
            ServiceBuilder::new()
                .layer(ProblemLayer::default())
                .layer(BulkheadLayer::server(bulkhead).upgrades()),
        );
    serve(routes).await
}

#[tokio::test]
async fn a_websocket_with_a_held_slot_counts_until_it_is_closed() {
    let bulkhead = Bulkhead::new("sockets", BulkheadConfig::default().limit(1));
    let address = sockets(&bulkhead, true).await;
    let (status, first) = open(address).await;
    assert_eq!(status, 101);
    for _ in 0..2 {
        assert_eq!(open(address).await.0, 503);
    }
    assert_eq!(bulkhead.snapshot().in_flight, 1);
    drop(first);
    until(|| bulkhead.snapshot().in_flight == 0).await;
    assert_eq!(open(address).await.0, 101);
}

#[tokio::test]
async fn a_websocket_without_a_held_slot_counts_until_it_is_open() {
    let bulkhead = Bulkhead::new("sockets", BulkheadConfig::default().limit(1));
    let address = sockets(&bulkhead, false).await;
    let mut open_ones = Vec::new();
    for _ in 0..3 {
        let (status, socket) = open(address).await;
        open_ones.push(socket);
        assert_eq!(status, 101);
        until(|| bulkhead.snapshot().in_flight == 0).await;
    }
}
