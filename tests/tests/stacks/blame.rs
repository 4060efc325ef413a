//! Only what a service did counts against it: whole stacks, without configuration for it.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use buttress::prelude::*;
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full};
use tokio::time::{Sleep, sleep};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

type Sent = ReplayBody<Full<Bytes>>;

const MS: Duration = Duration::from_millis(1);

fn request() -> Request<Sent> {
    Request::new(ReplayBody::new(Full::default()))
}

/// A number of frames, one at each interval.
struct Ticks {
    every: Duration,
    left: u32,
    next: Pin<Box<Sleep>>,
}

impl Ticks {
    fn new(every: Duration, frames: u32) -> Self {
        Self {
            every,
            left: frames,
            next: Box::pin(sleep(every)),
        }
    }
}

impl Body for Ticks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        std::task::ready!(self.next.as_mut().poll(cx));
        self.next = Box::pin(sleep(self.every));
        self.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"tick")))))
    }
}

/// A client's stack from a file, with a service that responds at once and then sends frames.
fn ticking(
    file: &str,
    every: Duration,
    frames: u32,
) -> (
    Resilience,
    impl Service<
        Request<Sent>,
        Response = Response<impl Body<Data = Bytes, Error = BoxError>>,
        Error = BoxError,
    > + Clone,
) {
    let resilience = Resilience::from_toml(file).unwrap();
    let service = service_fn(move |_: Request<Sent>| async move {
        Ok::<_, Infallible>(Response::new(Ticks::new(every, frames)))
    });
    let client = resilience.client("feed").unwrap().service(service);
    (resilience, client)
}

/// F02 and D3: the stack's `attempt_timeout` is for the head.
#[tokio::test(start_paused = true)]
async fn readers_that_drop_a_stream_do_not_open_the_circuit() {
    let file = "[client.feed]\nretry = { attempt_timeout = \"300 ms\" }\nbreaker = {}";
    let (resilience, client) = ticking(file, 100 * MS, u32::MAX);
    for _ in 0..12 {
        let response = client.clone().oneshot(request()).await.unwrap();
        let mut body = Box::pin(response.into_body());
        for _ in 0..5 {
            body.frame().await.unwrap().unwrap();
        }
    }
    let breaker = resilience.breaker("feed").unwrap();
    assert_eq!(breaker.state(), CircuitState::Closed);
}

/// F10: probes are streams of five minutes. The file can also set that a call ends with its head.
#[tokio::test(start_paused = true)]
async fn a_circuit_around_streams_closes_again() {
    for until in ["", ", until = \"headers\""] {
        let file = format!("[client.feed]\nbreaker = {{ open_for = \"5 s\"{until} }}");
        let (resilience, client) = ticking(&file, 1_000 * MS, 300);
        let breaker = resilience.breaker("feed").unwrap();
        breaker.trip();
        let (mut refused, mut streams) = (0, Vec::new());
        for _ in 0..20 {
            sleep(1_000 * MS).await;
            match client.clone().oneshot(request()).await {
                Ok(response) => streams.push(response),
                Err(_) => refused += 1,
            }
        }
        assert_eq!(breaker.state(), CircuitState::Closed);
        assert!(refused <= 5, "{refused}");
    }
}

/// F03: the statements of README, with a dependency that hangs. The time of an attempt is limited only by the
/// deadline of the calling server.
#[tokio::test(start_paused = true)]
async fn a_dependency_that_hangs_is_detected_with_the_defaults() {
    let breaker = Breaker::new("payments", BreakerConfig::default());
    let retry = Retry::new("payments", RetryConfig::default());
    let payments = ServiceBuilder::new()
        .layer(DeadlineLayer::client())
        .layer(RetryLayer::http(&retry))
        .layer(BreakerLayer::http(&breaker))
        .service(service_fn(|_: Request<Sent>| {
            pending::<Result<Response<Full<Bytes>>, Infallible>>()
        }));
    let config = DeadlineConfig::default().timeout(2_000 * MS);
    let server = DeadlineLayer::server(config).layer(service_fn(move |_: Request<()>| {
        let payments = payments.clone();
        async move {
            let answer = payments.oneshot(request()).await;
            answer.map(|_| Response::new(Full::<Bytes>::default()))
        }
    }));
    for _ in 0..10 {
        assert!(server.clone().oneshot(Request::new(())).await.is_err());
    }
    assert_eq!(breaker.state(), CircuitState::Open);
}

/// The same for the attempt timeout of the retry.
#[tokio::test(start_paused = true)]
async fn an_attempt_ended_by_its_retry_is_a_timeout_of_the_dependency() {
    let file = "[client.feed]\nretry = { attempt_timeout = \"300 ms\" }\nbreaker = {}";
    let resilience = Resilience::from_toml(file).unwrap();
    let service =
        service_fn(|_: Request<Sent>| pending::<Result<Response<Full<Bytes>>, Infallible>>());
    let client = resilience.client("feed").unwrap().service(service);
    for _ in 0..10 {
        assert!(client.clone().oneshot(request()).await.is_err());
    }
    let breaker = resilience.breaker("feed").unwrap();
    assert_eq!(breaker.state(), CircuitState::Open);
}
