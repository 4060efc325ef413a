//! The service: handles a number of calls at once, and queues the rest in order of arrival.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use tokio::sync::Semaphore;
use tower::util::BoxCloneSyncService;

pub(crate) type Body = Empty<Bytes>;

/// How many calls it works on at once.
pub(crate) const WORKERS: usize = 64;
/// How long it works on one, on average; how long that is varies exponentially.
pub(crate) const WORK: Duration = Duration::from_millis(50);
/// How many it answers a second.
pub(crate) const CAPACITY: f64 = WORKERS as f64 / 0.05;

pub(crate) fn service(seed: u64) -> BoxCloneSyncService<Request<Body>, Response<Body>, Infallible> {
    let workers = Arc::new(Semaphore::new(WORKERS));
    let dice = Arc::new(std::sync::Mutex::new(fastrand::Rng::with_seed(seed)));
    BoxCloneSyncService::new(tower::service_fn(move |_: Request<Body>| {
        let (workers, dice) = (workers.clone(), dice.clone());
        async move {
            let worker = workers.acquire().await;
            let draw = dice.lock().map_or(0.5, |mut dice| dice.f64());
            // The timer goes by whole milliseconds, and rounds up.
            let work = WORK.mul_f64(-(1.0 - draw).ln()).saturating_sub(HALF_A_TICK);
            tokio::time::sleep(work).await;
            drop(worker);
            Ok(Response::new(Body::new()))
        }
    }))
}

const HALF_A_TICK: Duration = Duration::from_micros(500);
