//! The service: handles a number of calls concurrently, and queues the rest in order of arrival.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use tokio::sync::Semaphore;
use tower::util::BoxCloneSyncService;

pub(crate) type Body = Empty<Bytes>;

/// The number of calls that it handles concurrently.
pub(crate) const WORKERS: usize = 64;
/// The mean time that a call takes, with an exponential distribution.
pub(crate) const WORK: Duration = Duration::from_millis(50);
/// The number of calls per second that it can handle.
pub(crate) const CAPACITY: f64 = WORKERS as f64 / 0.05;

pub(crate) fn service(seed: u64) -> BoxCloneSyncService<Request<Body>, Response<Body>, Infallible> {
    let workers = Arc::new(Semaphore::new(WORKERS));
    let generators = Arc::new(std::sync::Mutex::new(fastrand::Rng::with_seed(seed)));
    BoxCloneSyncService::new(tower::service_fn(move |_: Request<Body>| {
        let (workers, generators) = (workers.clone(), generators.clone());
        async move {
            let worker = workers.acquire().await;
            let draw = generators
                .lock()
                .map_or(0.5, |mut generators| generators.f64());
            // The timer has a resolution of a millisecond, and rounds up.
            let work = WORK.mul_f64(-(1.0 - draw).ln()).saturating_sub(HALF_A_TICK);
            tokio::time::sleep(work).await;
            drop(worker);
            Ok(Response::new(Body::new()))
        }
    }))
}

const HALF_A_TICK: Duration = Duration::from_micros(500);
