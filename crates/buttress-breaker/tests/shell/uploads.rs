//! The time that a dependency waits for the caller's request is not counted as its latency.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use ::http::{Request, Response};
use buttress_breaker::{Breaker, BreakerConfig, BreakerLayer, CircuitState, Window};
use buttress_core::{BoxError, Ending, Ratio};
use buttress_http::{UploadBody, track_upload};
use buttress_testkit::TestBody;
use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::time::{Sleep, sleep};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

const SECOND: Duration = Duration::from_secs(1);

/// A frame after each of these waits. A wait of [`BREAKS_OFF`] ends it with an error.
#[derive(Debug)]
struct Sent {
    waits: VecDeque<Duration>,
    next: Option<Pin<Box<Sleep>>>,
}

const BREAKS_OFF: Duration = Duration::ZERO;

impl Sent {
    fn after(waits: &[Duration]) -> Self {
        Self {
            waits: waits.iter().copied().collect(),
            next: None,
        }
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(&wait) = self.waits.front() else {
            return Poll::Ready(None);
        };
        if wait == BREAKS_OFF {
            return Poll::Ready(Some(Err("the client disconnected".into())));
        }
        let next = self.next.get_or_insert_with(|| Box::pin(sleep(wait)));
        ready!(next.as_mut().poll(cx));
        self.next = None;
        self.waits.pop_front();
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"part")))))
    }

    fn is_end_stream(&self) -> bool {
        self.waits.is_empty()
    }
}

/// How a dependency handles a request.
#[derive(Debug, Clone, Copy)]
enum Does {
    /// Reads all of it, and then works for this time.
    Thinks(Duration),
    /// Reads the first frame, and responds.
    Answers,
    /// Works for this time, and then reads it.
    Starts(Duration),
}

fn config() -> BreakerConfig {
    let config = BreakerConfig::default().window(Window::Count(100));
    config.slow_calls(SECOND, Ratio::HALF)
}

fn gateway(
    breaker: &Breaker,
    does: Does,
) -> impl Service<Request<Sent>, Response = impl Sized, Error = BoxError> + Clone {
    let dependency = service_fn(move |request: Request<UploadBody<Sent>>| async move {
        let mut body = request.into_body();
        match does {
            Does::Thinks(time) => {
                body.collect().await?;
                sleep(time).await;
            }
            Does::Starts(time) => {
                sleep(time).await;
                body.collect().await?;
            }
            Does::Answers => drop(body.frame().await),
        }
        Ok::<_, BoxError>(Response::new(TestBody::empty()))
    });
    ServiceBuilder::new()
        .map_request(track_upload)
        .service(BreakerLayer::client(breaker).layer(dependency))
}

/// The counts of the circuit after twenty calls: all calls, failures, slow calls.
async fn counts(config: BreakerConfig, does: Does, waits: &[Duration]) -> (u64, u64, u64) {
    let breaker = Breaker::new("test", config);
    let gateway = gateway(&breaker, does);
    for _ in 0..20 {
        let _ = gateway
            .clone()
            .oneshot(Request::new(Sent::after(waits)))
            .await;
    }
    let counts = breaker.snapshot().counts;
    (counts.calls, counts.failures, counts.slow)
}

/// T2.
#[tokio::test(start_paused = true)]
async fn slow_uploads_are_not_slow_calls() {
    let slowly = [4 * SECOND, 4 * SECOND];
    for does in [
        Does::Thinks(SECOND / 2),
        Does::Starts(SECOND / 2),
        Does::Answers,
    ] {
        assert_eq!(
            counts(config(), does, &slowly).await,
            (20, 0, 0),
            "{does:?}"
        );
    }
    let breaker = Breaker::new("test", config());
    let slow = gateway(&breaker, Does::Thinks(2 * SECOND));
    for _ in 0..20 {
        let _ = slow
            .clone()
            .oneshot(Request::new(Sent::after(&slowly)))
            .await;
    }
    assert_eq!(
        breaker.state(),
        CircuitState::Open,
        "the time after the upload counts"
    );
}

/// The same, for a call that is ended by its deadline.
#[tokio::test(start_paused = true)]
async fn only_a_dependency_with_its_full_time_has_timed_out() {
    for (waits, state) in [
        (&[60 * SECOND][..], CircuitState::Closed),
        (&[SECOND, SECOND], CircuitState::Open),
        (&[], CircuitState::Open),
    ] {
        for config in [config(), config().attempt_timeout(2 * SECOND)] {
            let breaker = Breaker::new("test", config);
            let gateway = gateway(&breaker, Does::Thinks(60 * SECOND));
            for _ in 0..20 {
                let call = gateway.clone().oneshot(Request::new(Sent::after(waits)));
                let mut call = Box::pin(call);
                let _ = tokio::time::timeout(5 * SECOND, &mut call).await;
                Ending::Expired.during(|| drop(call));
            }
            assert_eq!(breaker.state(), state, "{waits:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_after_an_aborted_request_is_neutral() {
    let breaks_off = [SECOND, BREAKS_OFF];
    let thinks = Does::Thinks(SECOND / 2);
    assert_eq!(counts(config(), thinks, &breaks_off).await, (0, 0, 0));
}

/// A timeout that the dependency reports: it waited too long for the request.
#[tokio::test(start_paused = true)]
async fn a_dependency_that_times_out_on_the_request_is_neutral() {
    for (waits, state) in [
        (&[60 * SECOND][..], CircuitState::Closed),
        (&[], CircuitState::Open),
    ] {
        let breaker = Breaker::new("test", config());
        let dependency = service_fn(|request: Request<UploadBody<Sent>>| async move {
            let mut body = request.into_body();
            let read = tokio::time::timeout(5 * SECOND, body.frame()).await;
            if read.is_ok() {
                sleep(5 * SECOND).await;
            }
            let status = Response::builder().status(408);
            Ok::<_, BoxError>(status.body(TestBody::empty()).unwrap())
        });
        let gateway = ServiceBuilder::new()
            .map_request(track_upload)
            .service(BreakerLayer::client(&breaker).layer(dependency));
        for _ in 0..20 {
            let request = Request::new(Sent::after(waits));
            let _ = gateway.clone().oneshot(request).await;
        }
        assert_eq!(breaker.state(), state, "{waits:?}");
    }
}
