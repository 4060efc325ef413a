use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use buttress::prelude::Deadline;
use http::HeaderMap;
use tokio::time::Instant;

/// The headers at each hop of a call, for one call at a time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hops(Arc<Mutex<Vec<Hop>>>);

/// One hop.
#[derive(Debug)]
pub(crate) struct Hop {
    name: &'static str,
    told: Option<String>,
    /// The remaining time of the call at this hop.
    pub(crate) left: Option<Duration>,
}

impl Hops {
    /// Records the headers and the task's deadline at a hop.
    pub(crate) fn note(&self, name: &'static str, headers: &HeaderMap) {
        let now = Instant::now().into_std();
        let told = HEADERS.iter().find_map(|header| {
            let value = headers.get(*header)?.to_str().ok()?;
            Some(format!("{header}: {value}"))
        });
        // Calls without a deadline are not of interest here.
        if told.is_some() {
            let left = Deadline::current().map(|deadline| deadline.remaining(now));
            let mut hops = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            hops.push(Hop { name, told, left });
        }
    }

    /// Takes the recorded hops.
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

/// The headers with a deadline, of gRPC and of HTTP.
const HEADERS: [&str; 2] = ["grpc-timeout", "x-envoy-expected-rq-timeout-ms"];
