//! Clients that send their requests slowly: the time that a service waits for them is not its latency.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use buttress::prelude::*;
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower::ServiceBuilder;

use crate::holding::support::{serve, until};

#[tokio::test]
async fn slow_uploads_neither_open_a_circuit_nor_lower_a_limit() {
    let shedder = Shedder::new("api", ShedConfig::default());
    let config = BreakerConfig::default().slow_calls(Duration::from_secs(60), Ratio::HALF);
    let breaker = Breaker::new("api", config);
    let reading = Arc::new(AtomicUsize::new(0));
    let begun = Arc::clone(&reading);
    let read = move |body: Body| {
        begun.fetch_add(1, Ordering::SeqCst);
        async move {
            let body = body.collect().await.map_err(|_| "cut off")?;
            Ok::<_, &str>(body.to_bytes())
        }
    };
    let routes = Router::new().route("/", post(read)).layer(
        ServiceBuilder::new()
            .layer(ProblemLayer::default())
            .map_request(track_upload)
            .layer(ShedLayer::server(&shedder))
            .layer(BreakerLayer::client(&breaker)),
    );
    let address = serve(routes).await;
    for round in 1..=3 {
        let mut slow = Vec::new();
        for _ in 0..10 {
            let mut socket = TcpStream::connect(address).await.unwrap();
            let head =
                b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 4\r\n\r\nsl";
            socket.write_all(head).await.unwrap();
            slow.push(socket);
        }
        until(|| reading.load(Ordering::SeqCst) == 10 * round).await;

        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(3_600)).await;
        tokio::time::resume();
        for mut socket in slow {
            socket.write_all(b"ow").await.unwrap();
            let mut answer = String::new();
            socket.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        }
        let counts = breaker.snapshot().counts;
        assert_eq!((counts.calls, counts.slow), (10, 0));
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
    assert_eq!(shedder.snapshot().limit.limit, 20);
}
