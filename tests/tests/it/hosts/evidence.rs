//! Which errors are evidence that a request was never processed.

use std::future::ready;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use buttress::Direct;
use buttress::prelude::*;
use buttress_http::was_never_processed;
use bytes::Bytes;
use http::{Request, Uri};
use http_body::Frame;
use http_body_util::{Full, StreamBody};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioExecutor;
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tower_service::Service;

use crate::hosts::retry_axum::retry;
use crate::hosts::support::{listen, serve, uri, within};

/// A connection that accepts a request, and then ends with an error.
struct Breaks {
    with: io::ErrorKind,
    requests: Arc<AtomicUsize>,
    written: bool,
}

impl Read for Breaks {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        match self.written {
            true => Poll::Ready(Err(self.with.into())),
            // The request is written by the same task, which reads again afterwards.
            false => Poll::Pending,
        }
    }
}

impl Write for Breaks {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if !std::mem::replace(&mut self.written, true) {
            self.requests.fetch_add(1, Ordering::Relaxed);
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        cx.waker().wake_by_ref();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Connection for Breaks {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

/// Sends one POST with a retry, through a client with connections from `connect`. Returns the final error.
async fn direct_post<C>(connect: C) -> BoxError
where
    C: Service<Uri, Response = Breaks> + Clone + Send + Sync + 'static,
    C::Error: Into<BoxError>,
    C::Future: Send + Unpin + 'static,
{
    let client = Client::builder(TokioExecutor::new()).build(connect);
    let service = ServiceBuilder::new()
        .layer(RetryLayer::client(&Retry::new(
            "test",
            RetryConfig::default(),
        )))
        .service(Direct::new(client));
    let body = ReplayBody::new(Full::<Bytes>::from("{}"));
    let request = Request::post("http://orders.internal/").body(body).unwrap();
    let result = within(service.oneshot(request)).await;
    result.map(drop).unwrap_err()
}

/// An ICMP message ends an open connection with the same error as one that was never opened.
#[tokio::test]
async fn a_post_on_an_open_connection_is_sent_once_for_any_error() {
    for with in [
        io::ErrorKind::ConnectionRefused,
        io::ErrorKind::ConnectionReset,
        io::ErrorKind::HostUnreachable,
        io::ErrorKind::NetworkUnreachable,
    ] {
        let requests = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&requests);
        let connect = service_fn(move |_: Uri| {
            let requests = Arc::clone(&seen);
            let written = false;
            ready(Ok::<_, io::Error>(Breaks {
                with,
                requests,
                written,
            }))
        });
        let error = direct_post(connect).await;
        let stopped = RetryStopped::find(&*error).map(|stopped| stopped.reason());
        assert_eq!(stopped, Some(StopReason::NotIdempotent), "{with}");
        assert_eq!(requests.load(Ordering::Relaxed), 1, "{with}");
    }
}

#[tokio::test]
async fn a_post_without_a_connection_is_sent_again_for_any_error() {
    for with in [
        io::ErrorKind::HostUnreachable,
        io::ErrorKind::Other,
        io::ErrorKind::TimedOut,
    ] {
        let connections = Arc::new(AtomicUsize::new(0));
        let tried = Arc::clone(&connections);
        let connect = service_fn(move |_: Uri| {
            tried.fetch_add(1, Ordering::Relaxed);
            ready(Err::<Breaks, _>(io::Error::from(with)))
        });
        direct_post(connect).await;
        // A fresh budget allows at least one retry.
        assert!(connections.load(Ordering::Relaxed) > 1, "{with}");
    }
}

/// The error of the body is among the sources, or in the reset that hyper sends for it. It is about another request.
#[tokio::test]
async fn the_error_of_a_request_body_is_no_evidence() {
    let dead = listen().await.1;
    let address = serve(axum::Router::new()).await;
    let unconnected = async || -> BoxError {
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let request = Request::get(uri(dead, "/")).body(Full::default()).unwrap();
        let error = within(client.request(request)).await.map(drop).unwrap_err();
        assert!(was_never_processed(&error));
        error.into()
    };
    let refused = || h2::Error::from(h2::Reason::REFUSED_STREAM).into();
    for http2 in [false, true] {
        for error in [unconnected().await, refused()] {
            let client = Client::builder(TokioExecutor::new())
                .http2_only(http2)
                .build_http();
            // A body that comes from another client ends with the error of that client.
            let body = StreamBody::new(tokio_stream::once(Err::<Frame<Bytes>, BoxError>(error)));
            let request = Request::post(uri(address, "/")).body(body);
            let error = within(client.request(request.unwrap())).await.map(drop);
            let error = error.unwrap_err();
            assert!(!was_never_processed(&error), "{error:?}");
        }
    }
}

/// Whatever the policy of its builder, a client that states that it sends a request once does so.
#[tokio::test]
async fn a_client_without_redirects_does_not_retry() {
    let request_count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&request_count);
    let answer = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        async { http::StatusCode::SERVICE_UNAVAILABLE }
    };
    let address = serve(axum::Router::new().route("/", axum::routing::post(answer))).await;
    let eager = reqwest::retry::for_host(address.ip().to_string())
        .no_budget()
        .classify_fn(|attempt| attempt.retryable());
    let builder = reqwest::Client::builder().no_proxy().retry(eager);
    let service = ServiceBuilder::new()
        .layer(RetryLayer::client(&retry()))
        .service(HttpClient::without_redirects(builder).unwrap());
    let request = Request::post(uri(address, "/")).body("{}".into()).unwrap();
    let response = within(service.oneshot(request)).await.unwrap();
    assert_eq!(response.status(), http::StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(request_count.load(Ordering::Relaxed), 1);
}
