//! Clients that open a connection and read nothing: the host stops polling the body, which still ends at its
//! deadline.

use buttress::prelude::*;
use http::Request;
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tower::ServiceBuilder;

use crate::holding::support::{DEADLINE, Downloads, ask, routes, serve, status, until};

fn of_two(deadline: DeadlineConfig) -> (Bulkhead, Downloads, axum::Router) {
    let bulkhead = Bulkhead::new("api", BulkheadConfig::default().limit(2).reader_idle(None));
    let downloads = Downloads::default();
    let routes = routes(&downloads).layer(
        ServiceBuilder::new()
            .layer(ProblemLayer::default())
            .layer(DeadlineLayer::server(&Deadlines::new("test", deadline)))
            .layer(BulkheadLayer::server(&bulkhead)),
    );
    (bulkhead, downloads, routes)
}

#[tokio::test]
async fn unread_sockets_lose_their_slots_at_the_deadline() {
    for deadline in [
        DeadlineConfig::default().timeout(DEADLINE),
        DeadlineConfig::default().body_timeout(DEADLINE),
        DeadlineConfig::default().body_idle(DEADLINE),
    ] {
        let (bulkhead, downloads, routes) = of_two(deadline);
        let address = serve(routes).await;
        let lazy = [
            ask(address, "/endless").await,
            ask(address, "/endless").await,
        ];
        until(|| bulkhead.snapshot().in_flight == 2).await;
        downloads.stall().await;
        assert_eq!(status(address, "/").await, 503);

        tokio::time::pause();
        tokio::time::advance(2 * DEADLINE).await;
        tokio::task::yield_now().await;
        assert_eq!((bulkhead.snapshot().in_flight, downloads.open()), (0, 0));
        tokio::time::resume();
        assert_eq!(status(address, "/").await, 200);
        drop(lazy);
    }
}

/// HTTP/2: the client's window is empty, so the body is never polled.
#[tokio::test]
async fn a_stream_without_a_window_loses_its_slot_at_the_deadline() {
    let (bulkhead, downloads, routes) = of_two(DeadlineConfig::default().timeout(DEADLINE));
    let address = serve(routes).await;
    let socket = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut client, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(0)
        .handshake(socket)
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = Request::get(format!("http://{address}/endless"));
    let response = client
        .send_request(request.body(Empty::<bytes::Bytes>::new()).unwrap())
        .await
        .unwrap();
    assert_eq!((bulkhead.snapshot().in_flight, downloads.open()), (1, 1));

    tokio::time::pause();
    tokio::time::advance(2 * DEADLINE).await;
    tokio::task::yield_now().await;
    assert_eq!((bulkhead.snapshot().in_flight, downloads.open()), (0, 0));
    drop(response);
}

/// The same from a file: with a deadline, or with the bulkhead alone.
#[tokio::test]
async fn two_unread_sockets_do_not_use_up_the_server() {
    for file in [
        "[server.api]\ndeadline.timeout = '1 h'\nbulkhead = { limit = 2, reader_idle = 'off' }",
        "[server.api]\nbulkhead = { limit = 2, reader_idle = '1 h' }",
    ] {
        let resilience = Resilience::from_toml(file).unwrap();
        let server = resilience.server("api").unwrap();
        let downloads = Downloads::default();
        let address = serve(routes(&downloads).layer(server)).await;
        assert_eq!(status(address, "/").await, 200);
        let lazy = [
            ask(address, "/endless").await,
            ask(address, "/endless").await,
        ];
        until(|| downloads.open() == 2).await;
        downloads.stall().await;
        assert_eq!(status(address, "/").await, 503, "{file}");

        tokio::time::pause();
        tokio::time::advance(2 * DEADLINE).await;
        tokio::task::yield_now().await;
        tokio::time::resume();
        assert_eq!(status(address, "/").await, 200, "{file}");
        drop(lazy);
    }
}
