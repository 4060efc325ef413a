//! A server, and clients that misbehave.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use http_body::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A deadline that does not pass in real time: a test pauses the clock and advances it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(3_600);

/// `/endless` always has another chunk, `/events` sends one event and then nothing, `/` responds with hello.
pub(crate) fn routes(downloads: &Downloads) -> Router {
    let downloads = downloads.clone();
    let endless = move || {
        downloads.open.fetch_add(1, Ordering::SeqCst);
        let endless = Endless(downloads.clone());
        async move { Body::new(endless) }
    };
    Router::new()
        .route("/endless", get(endless))
        .route("/events", get(|| async { Body::new(Events(false)) }))
        .route("/", get(|| async { "hello" }))
}

pub(crate) async fn serve(routes: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, routes).into_future());
    address
}

/// A client that sends a request, and reads nothing.
pub(crate) async fn ask(address: SocketAddr, path: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    socket
}

/// The status that the next client receives.
pub(crate) async fn status(address: SocketAddr, path: &str) -> u16 {
    let mut socket = ask(address, path).await;
    let mut line = [0; 12];
    socket.read_exact(&mut line).await.unwrap();
    String::from_utf8_lossy(&line[9..]).parse().unwrap()
}

/// Waits in real time for another task.
pub(crate) async fn until(mut done: impl FnMut() -> bool) {
    while !done() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Counts what the bodies of `/endless` do.
#[derive(Debug, Clone, Default)]
pub(crate) struct Downloads {
    frames: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
}

impl Downloads {
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// Waits until they are no longer polled, because the sockets are full.
    pub(crate) async fn stall(&self) {
        let mut before = usize::MAX;
        until(|| {
            let frames = self.frames.load(Ordering::SeqCst);
            std::mem::replace(&mut before, frames) == frames
        })
        .await;
    }
}

struct Endless(Downloads);

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        static CHUNK: [u8; 1 << 16] = [b'x'; 1 << 16];
        self.0.frames.fetch_add(1, Ordering::SeqCst);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&CHUNK)))))
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// An event, and then nothing for as long as the client stays connected.
struct Events(bool);

impl http_body::Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Pending;
        }
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(
            b"data: event\n\n",
        )))))
    }
}
