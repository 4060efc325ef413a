//! The inner service the gateway.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use fastrand::Rng;
use http::StatusCode;
use serde::Serialize;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, sleep, sleep_until};

use crate::schedule::{Phase, Schedule};

/// The inner service a gateway: a few workers and a queue, first come, first served.
///
/// Work, once queued, is done to its end even when the caller has left. Most real upstreams are like that (a thread in
/// a pool, a query in a database), and it is what makes an outage outlast its cause: the workers are busy with requests
/// whose callers have left.
#[derive(Debug)]
pub struct Upstream {
    build: Build,
    epoch: Instant,
    workers: Semaphore,
    queued: AtomicUsize,
    abandoned: AtomicU64,
    /// When each request came; the plots want its rate over time.
    attempts: Mutex<Vec<Duration>>,
    service_times: Mutex<Rng>,
}

impl Upstream {
    /// An upstream with a clock that starts at `epoch`. Those made with one seed serve at the same pace.
    #[must_use]
    pub fn new(build: Build, seed: u64, epoch: Instant) -> Arc<Self> {
        Arc::new(Self {
            build,
            epoch,
            workers: Semaphore::new(build.workers),
            queued: AtomicUsize::new(0),
            abandoned: AtomicU64::new(0),
            attempts: Mutex::new(Vec::new()),
            service_times: Mutex::new(Rng::with_seed(seed)),
        })
    }

    /// Listens on loopback, on a port the system chooses, until the runtime ends.
    ///
    /// # Errors
    ///
    /// When the port cannot be bound.
    pub async fn serve(self: &Arc<Self>) -> io::Result<SocketAddr> {
        crate::net::serve(self.router()).await
    }

    /// The response, to be served by another task.
    pub fn router(self: &Arc<Self>) -> Router {
        Router::new().fallback(answer).with_state(Arc::clone(self))
    }

    /// Lives through the brown-out: the workers that are lost finish what they are at, then are gone
    /// until it is over.
    pub(crate) fn brown_out(self: &Arc<Self>, schedule: &Schedule) {
        let span = schedule.span(Phase::Brownout);
        let (start, end) = (self.epoch + span.start, self.epoch + span.end);
        for _ in self.build.workers_in_brownout()..self.build.workers {
            let upstream = Arc::clone(self);
            tokio::spawn(async move {
                sleep_until(start).await;
                let _worker = upstream.workers.acquire().await;
                sleep_until(end).await;
            });
        }
    }

    /// When each request came.
    pub(crate) fn attempts(&self) -> Vec<Duration> {
        let attempts = self.attempts.lock();
        attempts.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many requests were worked on to the end after their caller had gone.
    pub(crate) fn abandoned(&self) -> u64 {
        self.abandoned.load(Ordering::Relaxed)
    }

    fn arrive(&self) {
        let attempts = self.attempts.lock();
        attempts
            .unwrap_or_else(PoisonError::into_inner)
            .push(self.epoch.elapsed());
    }

    /// A place in the queue, if it has one left.
    fn enqueue(&self) -> bool {
        let one_more = |queued| (queued < self.build.queue).then_some(queued + 1);
        let queued = self
            .queued
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        queued.is_ok()
    }

    async fn work(&self) {
        let _worker = self.workers.acquire().await;
        self.queued.fetch_sub(1, Ordering::Relaxed);
        sleep(self.draw_service_time()).await;
    }

    /// Exponential, as in the textbook: most requests are short, a few are long.
    fn draw_service_time(&self) -> Duration {
        let rng = self.service_times.lock();
        let uniform = rng.unwrap_or_else(PoisonError::into_inner).f64();
        self.build.service.mul_f64(-(1.0 - uniform).ln())
    }
}

async fn answer(State(upstream): State<Arc<Upstream>>) -> Response {
    upstream.arrive();
    if !upstream.enqueue() {
        return (StatusCode::SERVICE_UNAVAILABLE, "queue full\n").into_response();
    }
    let (done, served) = oneshot::channel();
    // A task of its own: when the caller hangs up, axum drops this handler but not the work.
    tokio::spawn(async move {
        upstream.work().await;
        if done.send(()).is_err() {
            upstream.abandoned.fetch_add(1, Ordering::Relaxed);
        }
    });
    match served.await {
        Ok(()) => ANSWER.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// What it says to every request.
pub const ANSWER: &str = "{\"order\":\"served\"}\n";

/// How large an upstream is.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Build {
    /// Requests that are worked on at once.
    pub workers: usize,
    /// How long a worker takes, on average.
    #[serde(serialize_with = "as_millis", rename = "service_ms")]
    pub service: Duration,
    /// Requests that may wait for a worker; one more is answered with 503 at once.
    pub queue: usize,
}

impl Build {
    /// An upstream that is 70 % busy at `rate` requests a second: healthy, and without room for retries.
    #[must_use]
    pub fn for_rate(rate: u64) -> Self {
        let capacity = rate as f64 / 0.7;
        // In fives, so that a fifth of them is a whole number; and as many as keep the service time near 20 ms.
        let workers = 5 * ((capacity * 0.020 / 5.0).round() as usize).max(1);
        Self {
            workers,
            service: Duration::from_secs_f64(workers as f64 / capacity),
            queue: (capacity * QUEUE.as_secs_f64()) as usize,
        }
    }

    /// How many workers are left in the brown-out: 20 %.
    pub(crate) fn workers_in_brownout(self) -> usize {
        self.workers / 5
    }

    /// The capacity of this many workers, in requests a second.
    pub(crate) fn capacity_of(self, workers: usize) -> f64 {
        workers as f64 / self.service.as_secs_f64()
    }
}

/// What the queue holds, as time to work it off: long enough to time everything out, as queues are.
const QUEUE: Duration = Duration::from_secs(2);

fn as_millis<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64() * 1e3)
}
