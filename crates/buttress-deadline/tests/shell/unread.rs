//! Bodies that are not read, or not to their end: a server stops polling them when its client does not read.

use std::sync::{Arc, Mutex};

use buttress_core::{Ending, Reason};
use buttress_deadline::{DeadlineBody, DeadlineConfig};
use buttress_testkit::{CountingWaker, Gate, Gauge, TestBody};
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::time::sleep;
use tower::{Layer, service_fn};

use crate::support::{call, config, millis, reason_of, server};

#[tokio::test(start_paused = true)]
async fn a_body_that_is_not_polled_is_dropped_at_its_deadline() {
    for config in [
        config().timeout(millis(100)),
        config().body_timeout(millis(100)),
        config().body_idle(millis(100)),
        config().timeout(millis(500)).body_idle(millis(100)),
    ] {
        let gauge = Gauge::default();
        let body = TestBody::empty().data("one").data("two");
        let body = respond(config, body.counted(&gauge)).await;
        sleep(millis(99)).await;
        assert_eq!(gauge.now(), 1, "{config:?}");
        sleep(millis(2)).await;
        assert_eq!(gauge.now(), 0, "{config:?}");

        let mut body = Box::pin(body);
        assert!(!body.is_end_stream());
        let error = body.frame().await.unwrap().unwrap_err();
        assert_eq!(reason_of(&*error), Some(Reason::DeadlineExceeded));
        assert!(body.is_end_stream());
        assert!(body.frame().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_whose_reader_stops_in_the_middle_is_also_dropped() {
    for (config, after) in [
        (config().timeout(millis(100)), 100),
        (config().body_idle(millis(100)), 160),
    ] {
        let gauge = Gauge::default();
        let body = TestBody::empty().data("one").data("two").data("three");
        let mut body = Box::pin(respond(config, body.counted(&gauge)).await);
        sleep(millis(60)).await;
        body.frame().await.unwrap().unwrap();
        sleep(millis(after - 60 - 1)).await;
        assert_eq!(gauge.now(), 1, "{config:?}");
        sleep(millis(2)).await;
        assert_eq!(gauge.now(), 0, "{config:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_waits_is_woken_once() {
    let gauge = Gauge::default();
    let body = TestBody::empty().data("one").wait(&Gate::new()).data("two");
    let body = respond(config().timeout(millis(100)), body.counted(&gauge)).await;
    let mut body = Box::pin(body);
    let task = CountingWaker::new();
    assert!(task.poll(|cx| body.as_mut().poll_frame(cx)).is_ready());
    for _ in 0..3 {
        assert!(task.poll(|cx| body.as_mut().poll_frame(cx)).is_pending());
    }
    sleep(millis(99)).await;
    assert_eq!((task.wakes(), gauge.now()), (0, 1));
    sleep(millis(2)).await;
    assert_eq!((task.wakes(), gauge.now()), (1, 0));
    assert!(task.poll(|cx| body.as_mut().poll_frame(cx)).is_ready());
}

#[tokio::test(start_paused = true)]
async fn the_mode_decides_whether_a_body_that_is_not_polled_is_ended() {
    let gauge = Gauge::default();
    let config = config()
        .timeout(millis(100))
        .mode(buttress_core::Mode::Shadow);
    let body = TestBody::empty().data("one").data("two");
    let body = respond(config, body.counted(&gauge)).await;
    sleep(millis(500)).await;
    assert_eq!(gauge.now(), 1);
    assert_eq!(body.collect().await.unwrap().to_bytes(), "onetwo");
}

/// Dropping a body runs foreign code on the thread that runs the timers.
#[tokio::test(start_paused = true)]
async fn a_body_is_dropped_as_expired_and_may_panic_then() {
    let ending = Arc::default();
    let body = PanicsOnDrop(Arc::clone(&ending));
    let mut body = Box::pin(respond(config().timeout(millis(100)), body).await);
    sleep(millis(101)).await;
    assert_eq!(
        *ending.lock().expect("no test panics while it is locked"),
        Some(Ending::Expired)
    );
    assert!(body.frame().await.unwrap().is_err());
    // Other timers still run.
    sleep(millis(100)).await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_reader_drops_the_body_as_abandoned() {
    let ending = Arc::default();
    let body = respond(
        config().timeout(millis(100)),
        RecordsDrop(Arc::clone(&ending)),
    )
    .await;
    drop(body);
    assert_eq!(
        *ending.lock().expect("no test panics while it is locked"),
        Some(Ending::Abandoned)
    );
    sleep(millis(200)).await;
}

#[test]
fn a_body_outlives_its_runtime_and_ends_when_it_is_polled() {
    let gauge = Gauge::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime with timers can be built");
    let body = TestBody::empty().data("one").wait(&Gate::new()).data("two");
    let body = runtime.block_on(respond(
        config().timeout(millis(50)).body_idle(millis(40)),
        body.counted(&gauge),
    ));
    drop(runtime);
    assert_eq!(gauge.now(), 1);
    ends_when_polled(body);
    assert_eq!(gauge.now(), 0);
}

#[test]
fn without_timers_a_body_ends_when_it_is_polled() {
    let body = || TestBody::empty().data("one").wait(&Gate::new()).data("two");
    let task = CountingWaker::new();
    let mut response = Box::pin(respond(config().timeout(millis(5)), body()));
    let std::task::Poll::Ready(outside) = task.poll_future(response.as_mut()) else {
        panic!("the head is ready at once");
    };
    ends_when_polled(outside);

    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime without drivers can be built");
    runtime
        .block_on(async { ends_when_polled(respond(config().timeout(millis(5)), body()).await) });
}

/// Polls a body that waits for its second frame until it ends, in real time.
fn ends_when_polled(body: DeadlineBody<TestBody>) {
    let mut body = Box::pin(body);
    let task = CountingWaker::new();
    assert!(task.poll(|cx| body.as_mut().poll_frame(cx)).is_ready());
    let ended = loop {
        if let std::task::Poll::Ready(ended) = task.poll(|cx| body.as_mut().poll_frame(cx)) {
            break ended;
        }
        std::thread::yield_now();
    };
    assert!(ended.is_some_and(|frame| frame.is_err()));
}

/// The body of a response of a service with a deadline.
async fn respond<B>(config: DeadlineConfig, body: B) -> DeadlineBody<B>
where
    B: Body + Send + 'static,
{
    let body = Arc::new(Mutex::new(Some(body)));
    let service = server(config).layer(service_fn(move |_: Request<()>| {
        let body = body
            .lock()
            .expect("no test panics while it is locked")
            .take();
        async move { Ok::<_, std::io::Error>(Response::new(body.expect("it is called once"))) }
    }));
    let response = call(service, Request::new(())).await;
    response.expect("the service does not fail").into_body()
}

/// A body without frames that records why it was dropped.
struct RecordsDrop(Arc<Mutex<Option<Ending>>>);

impl Drop for RecordsDrop {
    fn drop(&mut self) {
        *self.0.lock().expect("no test panics while it is locked") = Some(Ending::current());
    }
}

/// The same, and then panics.
struct PanicsOnDrop(Arc<Mutex<Option<Ending>>>);

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        *self.0.lock().expect("no test panics while it is locked") = Some(Ending::current());
        panic!("a drop that panics");
    }
}

macro_rules! waits {
    ($($body:ty),*) => {$(
        impl Body for $body {
            type Data = Bytes;
            type Error = std::io::Error;

            fn poll_frame(
                self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
                std::task::Poll::Pending
            }
        }
    )*};
}

waits!(RecordsDrop, PanicsOnDrop);
