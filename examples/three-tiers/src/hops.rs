use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use buttress::prelude::Deadline;
use http::HeaderMap;
use tokio::time::Instant;

/// What the hops of a call were told. For one call at a time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hops(Arc<Mutex<Vec<Hop>>>);

/// What one hop was told.
#[derive(Debug)]
pub(crate) struct Hop {
    name: &'static str,
    told: Option<String>,
    /// How much time the call had left when it was there.
    pub(crate) left: Option<Duration>,
}

impl Hops {
    /// Records what a hop reads from the headers, and what its task has in its context.
    pub(crate) fn note(&self, name: &'static str, headers: &HeaderMap) {
        let now = Instant::now().into_std();
        let told = TOLD_BY.iter().find_map(|header| {
            let value = headers.get(*header)?.to_str().ok()?;
            Some(format!("{header}: {value}"))
        });
        // What has no deadline is of no interest here, and there is a lot of it.
        if told.is_some() {
            let left = Deadline::current().map(|deadline| deadline.remaining(now));
            let mut hops = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            hops.push(Hop { name, told, left });
        }
    }

    /// What was noted, which is forgotten.
    pub(crate) fn take(&self) -> Vec<Hop> {
        mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = self.told.as_deref().unwrap_or("nothing");
        write!(f, "{:<4} {told:<38}", self.name)?;
        match self.left {
            Some(left) => write!(f, " {:>5.1} ms", left.as_secs_f64() * 1e3),
            None => f.write_str("   no end"),
        }
    }
}

/// The headers that carry time, over gRPC and over HTTP.
const TOLD_BY: [&str; 2] = ["grpc-timeout", "x-envoy-expected-rq-timeout-ms"];
