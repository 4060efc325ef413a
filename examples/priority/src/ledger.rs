//! The results of the calls, by the second in which they were made.

use std::time::Duration;

use crate::load::{BATCH_RUNS, Class};

pub(crate) struct Ledger {
    seconds: Vec<[Entry; 2]>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Entry {
    pub(crate) offered: u32,
    pub(crate) served: u32,
    /// The latencies of successful calls, in seconds.
    took: Vec<f64>,
}

impl Ledger {
    pub(crate) fn new(seconds: usize) -> Self {
        Self {
            seconds: vec![Default::default(); seconds],
        }
    }

    pub(crate) fn offered(&mut self, class: Class, second: usize) {
        self.seconds[second][class as usize].offered += 1;
    }

    pub(crate) fn ended(&mut self, class: Class, second: usize, served: bool, took: Duration) {
        if served {
            let entry = &mut self.seconds[second][class as usize];
            entry.served += 1;
            entry.took.push(took.as_secs_f64());
        }
    }

    pub(crate) fn entry(&self, class: Class, second: usize) -> &Entry {
        &self.seconds[second][class as usize]
    }

    /// Returns the ratio of calls that succeeded in time while the batch ran; not a number if there were none.
    pub(crate) fn served(&self, class: Class) -> f64 {
        let entries = self.seconds[BATCH_RUNS]
            .iter()
            .map(|of| &of[class as usize]);
        let sum =
            |(offered, served), entry: &Entry| (offered + entry.offered, served + entry.served);
        let (offered, served) = entries.fold((0, 0), sum);
        f64::from(served) / f64::from(offered)
    }
}

impl Entry {
    /// Returns the 99th percentile of the latency of successful calls, in milliseconds.
    pub(crate) fn p99(&self) -> Option<f64> {
        let mut sorted = self.took.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let at = (sorted.len() as f64 * 0.99) as usize;
        sorted.get(at).map(|seconds| seconds * 1_000.0)
    }
}
