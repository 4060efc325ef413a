//! Only what a service did counts against it: whole stacks, without configuration for it.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use buttress::prelude::*;
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full};
use tokio::task::JoinSet;
use tokio::time::{Sleep, sleep, timeout};
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
        .layer(DeadlineLayer::client(&Deadlines::default()))
        .layer(RetryLayer::client(&retry))
        .layer(BreakerLayer::client(&breaker))
        .service(service_fn(|_: Request<Sent>| {
            pending::<Result<Response<Full<Bytes>>, Infallible>>()
        }));
    let config = DeadlineConfig::default().timeout(2_000 * MS);
    let server = DeadlineLayer::server(&Deadlines::new("test", config)).layer(service_fn(
        move |_: Request<()>| {
            let payments = payments.clone();
            async move {
                let answer = payments.oneshot(request()).await;
                answer.map(|_| Response::new(Full::<Bytes>::default()))
            }
        },
    ));
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

/// A gRPC call that may take a second, as its headers declare.
fn rpc() -> Request<Full<Bytes>> {
    Request::post("/shop.Orders/Place")
        .header("content-type", "application/grpc")
        .header("grpc-timeout", "1S")
        .body(Full::default())
        .unwrap()
}

/// tonic's server drops a call at its `grpc-timeout`, outside of its user's layers, and gives no reason.
#[tokio::test(start_paused = true)]
async fn calls_that_are_dropped_at_their_grpc_timeout_open_the_circuit() {
    for (time, state) in [
        (1_000 * MS, CircuitState::Open),
        // The timer began before the layer was called.
        (990 * MS, CircuitState::Open),
        // The caller left.
        (500 * MS, CircuitState::Closed),
    ] {
        let breaker = Breaker::new("orders", BreakerConfig::default());
        let service =
            BreakerLayer::client(&breaker).layer(service_fn(|_: Request<Full<Bytes>>| {
                pending::<Result<Response<Full<Bytes>>, Infallible>>()
            }));
        for _ in 0..30 {
            // Once the circuit is open, they are rejected.
            let _ = timeout(time, service.clone().oneshot(rpc())).await;
        }
        assert_eq!(breaker.state(), state, "{time:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_dropped_at_their_grpc_timeout_lower_the_limit() {
    let shedder = Shedder::new("orders", ShedConfig::default().queue(0));
    let hangs = Arc::new(AtomicBool::new(false));
    let hanging = Arc::clone(&hangs);
    let service = ShedLayer::server(&shedder).layer(service_fn(move |_: Request<Full<Bytes>>| {
        let hangs = hanging.load(Ordering::Relaxed);
        async move {
            if hangs {
                pending::<()>().await;
            }
            sleep(50 * MS).await;
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }
    }));
    let mut limits = Vec::new();
    for hang in [false, true] {
        hangs.store(hang, Ordering::Relaxed);
        let mut calls = JoinSet::new();
        for _ in 0..20_000 {
            let call = timeout(1_000 * MS, service.clone().oneshot(rpc()));
            calls.spawn(async { drop(call.await) });
            sleep(2 * MS).await;
            while calls.try_join_next().is_some() {}
        }
        limits.push(shedder.snapshot().limit.limit);
    }
    assert!(limits[1] < limits[0], "{limits:?}");
}
