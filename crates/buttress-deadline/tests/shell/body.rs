use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use buttress_core::{BoxError, Deadline, Reason};
use buttress_deadline::DeadlineConfig;
use buttress_http::Until;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full};
use tokio::time::{Sleep, sleep};
use tower::{Layer, service_fn};

use crate::support::{call, config, deadline, millis, reason_of, server, timed};

#[tokio::test(start_paused = true)]
async fn the_deadline_covers_the_body() {
    let (took, received) = stream(config().timeout(millis(250)), "text/plain", 4).await;
    assert_eq!((took, received.data), (millis(250), 2));
    assert_eq!(received.reason, Some(Reason::DeadlineExceeded));
}

/// tonic stops at the head of a stream, and responds with CANCELLED.
#[tokio::test(start_paused = true)]
async fn a_grpc_stream_ends_with_deadline_exceeded() {
    let (took, received) = stream(config().timeout(millis(250)), "application/grpc", 4).await;
    assert_eq!((took, received.data), (millis(250), 2));
    assert_eq!(received.reason, None);
    assert_eq!(received.trailers.unwrap()["grpc-status"], "4");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_ends_in_time_is_untouched() {
    let (_, received) = stream(config().timeout(millis(450)), "application/grpc", 4).await;
    assert_eq!((received.data, received.reason), (4, None));
    assert_eq!(received.trailers, None);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_can_stop_at_the_head() {
    let config = config().timeout(millis(250)).until(Until::Headers);
    let (_, received) = stream(config, "text/event-stream", 4).await;
    assert_eq!((received.data, received.reason), (4, None));
}

#[tokio::test(start_paused = true)]
async fn the_body_has_its_own_timeout() {
    let (took, received) = stream(config().body_timeout(millis(150)), "text/plain", 4).await;
    assert_eq!((took, received.data), (millis(150), 1));
    assert_eq!(received.reason, Some(Reason::DeadlineExceeded));
}

#[tokio::test(start_paused = true)]
async fn each_frame_has_its_own_timeout() {
    let (_, received) = stream(config().body_idle(millis(150)), "text/plain", 4).await;
    assert_eq!((received.data, received.reason), (4, None));
    let (took, received) = stream(config().body_idle(millis(50)), "text/plain", 4).await;
    assert_eq!((took, received.data), (millis(50), 0));
    assert_eq!(received.reason, Some(Reason::DeadlineExceeded));
}

/// The body and the reader each have the full time: for a frame, and for the next poll.
#[tokio::test(start_paused = true)]
async fn a_reader_that_pauses_does_not_shorten_the_time_of_the_next_frame() {
    let layer = server(config().body_idle(millis(50)));
    let service = layer.layer(service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(Response::new(Drip::of(3, millis(40))))
    }));
    let body = call(service, Request::new(())).await.unwrap().into_body();
    let mut body = std::pin::pin!(body);
    for _ in 0..3 {
        sleep(millis(40)).await;
        body.frame().await.unwrap().unwrap();
    }
    assert!(body.frame().await.is_none());
}

/// A body that always has a frame ready never waits for a timer, but is still ended.
#[tokio::test(start_paused = true)]
async fn a_body_that_never_waits_is_also_ended() {
    let layer = server(config().timeout(millis(100)));
    let service = layer.layer(service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(Response::new(Drip::of(usize::MAX, Duration::ZERO)))
    }));
    let body = call(service, Request::new(())).await.unwrap().into_body();
    let mut body = std::pin::pin!(body);
    body.frame().await.unwrap().unwrap();
    sleep(millis(100)).await;
    let error = body.frame().await.unwrap().unwrap_err();
    assert_eq!(reason_of(&*error), Some(Reason::DeadlineExceeded));
    assert!(body.is_end_stream());
    assert!(body.frame().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_ready_at_once_is_transparent() {
    let layer = server(config().timeout(millis(100)));
    let service = layer.layer(service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"hello"))))
    }));
    let body = call(service, Request::new(())).await.unwrap().into_body();
    assert_eq!(body.size_hint().exact(), Some(5));
    assert!(!body.is_end_stream());
    assert_eq!(body.collect().await.unwrap().to_bytes(), "hello");
}

#[tokio::test(start_paused = true)]
async fn a_body_is_polled_in_the_context_of_its_call() {
    let layer = server(config().timeout(millis(250)));
    let service = layer.layer(service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(Response::new(RecordsDeadline))
    }));
    let expected = deadline(millis(250));
    let body = call(service, Request::new(())).await.unwrap().into_body();
    assert_eq!(Deadline::current(), None);
    let mut body = std::pin::pin!(body);
    let frame = body.frame().await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), format!("{expected:?}"));
}

/// What was received of a body: its data frames, its trailers, and its error.
#[derive(Debug, Default)]
struct Received {
    data: usize,
    trailers: Option<HeaderMap>,
    reason: Option<Reason>,
}

/// Receives a body of several frames, one every 100 ms, from a server with this `config`.
async fn stream(
    config: DeadlineConfig,
    content_type: &'static str,
    frames: usize,
) -> (Duration, Received) {
    let service = server(config).layer(service_fn(move |_: Request<()>| async move {
        let response = Response::builder().header("content-type", content_type);
        response.body(Drip::of(frames, millis(100)))
    }));
    let response = call(service, Request::new(())).await;
    let response = response.expect("the head is ready at once");
    timed(receive(response.into_body())).await
}

async fn receive(body: impl Body<Data = Bytes, Error = BoxError>) -> Received {
    let mut body = std::pin::pin!(body);
    let mut received = Received::default();
    while let Some(frame) = body.frame().await {
        match frame.map(Frame::into_data) {
            Ok(Ok(_)) => received.data += 1,
            Ok(Err(frame)) => received.trailers = frame.into_trailers().ok(),
            Err(error) => received.reason = reason_of(&*error),
        }
    }
    received
}

/// A body of several frames, with a wait before each.
struct Drip {
    left: usize,
    wait: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Drip {
    fn of(frames: usize, wait: Duration) -> Self {
        Self {
            left: frames,
            wait,
            waiting: None,
        }
    }
}

impl Body for Drip {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        if !self.wait.is_zero() {
            let wait = self.wait;
            let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(wait)));
            ready!(waiting.as_mut().poll(cx));
            self.waiting = None;
        }
        self.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"drop")))))
    }
}

/// A body that records the deadline it is polled with.
struct RecordsDeadline;

impl Body for RecordsDeadline {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let deadline = format!("{:?}", Deadline::current());
        Poll::Ready(Some(Ok(Frame::data(deadline.into()))))
    }
}
