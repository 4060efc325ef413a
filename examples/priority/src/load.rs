//! The callers, their arrivals, and their timeouts.

use std::time::Duration;

use buttress::prelude::BoxError;
use fastrand::Rng;
use http::{Request, Response};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};
use tower::{Service, ServiceExt};

use crate::backend::{Body, CAPACITY};
use crate::ledger::Ledger;
use crate::ours::CRITICALITY;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Users,
    Batch,
}

impl Class {
    pub(crate) const ALL: [Self; 2] = [Self::Users, Self::Batch];

    /// Returns the value of its criticality header.
    fn criticality(self) -> &'static str {
        match self {
            Self::Users => "high",
            Self::Batch => "low",
        }
    }
}

/// The loads, as multiples of the capacity.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) users: f64,
    pub(crate) batch: f64,
    pub(crate) seed: u64,
}

impl Load {
    fn of(self, class: Class, second: usize) -> f64 {
        match class {
            Class::Users => self.users,
            Class::Batch if BATCH_RUNS.contains(&second) => self.batch,
            Class::Batch => 0.0,
        }
    }

    /// Returns a generator for each class, so that the users arrive at the same moments with and without a batch.
    fn generators(self) -> [Rng; 2] {
        Class::ALL.map(|class| Rng::with_seed(2 * self.seed + class as u64))
    }
}

/// Sends both loads, each call at its random moment, without waiting for earlier responses.
pub(crate) async fn run<S>(load: Load, service: S) -> Ledger
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    let mut generators = load.generators();
    let mut ledger = Ledger::new(SECONDS);
    let mut calls = JoinSet::new();
    let start = Instant::now();
    for second in 0..SECONDS {
        for (class, at) in arrivals(load, second, &mut generators) {
            sleep_until(start + at).await;
            let due = start + at;
            ledger.offered(class, second);
            let service = service.clone();
            calls.spawn(async move {
                let mut request = Request::new(Body::new());
                let word = class.criticality();
                request
                    .headers_mut()
                    .insert(CRITICALITY, http::HeaderValue::from_static(word));
                let answer = timeout_at(due + PATIENCE, service.oneshot(request)).await;
                let took = due.elapsed();
                let served = matches!(answer, Ok(Ok(response)) if response.status().is_success());
                // A timer may be late by part of a millisecond.
                (class, second, served && took <= PATIENCE, took)
            });
            while let Some(Ok((class, second, served, took))) = calls.try_join_next() {
                ledger.ended(class, second, served, took);
            }
        }
    }
    while let Some(Ok((class, second, served, took))) = calls.join_next().await {
        ledger.ended(class, second, served, took);
    }
    ledger
}

/// Returns the calls of one second, in order.
fn arrivals(load: Load, second: usize, generators: &mut [Rng; 2]) -> Vec<(Class, Duration)> {
    let mut arrivals = Vec::new();
    for class in Class::ALL {
        let rate = load.of(class, second) * CAPACITY;
        let generators = &mut generators[class as usize];
        if rate == 0.0 {
            continue;
        }
        let mut at = 0.0;
        loop {
            at -= (1.0 - generators.f64()).ln() / rate;
            if at >= 1.0 {
                break;
            }
            arrivals.push((class, Duration::from_secs_f64(second as f64 + at)));
        }
    }
    arrivals.sort_unstable_by_key(|&(_, at)| at);
    arrivals
}

/// The whole capacity of the service.
pub(crate) const USERS: f64 = 1.0;
pub(crate) const BATCH: f64 = 12.0;
pub(crate) const SECONDS: usize = 40;
pub(crate) const BATCH_RUNS: std::ops::Range<usize> = 10..30;
/// How long a caller waits for a response.
pub(crate) const PATIENCE: Duration = Duration::from_millis(500);
