use std::sync::Arc;

use super::{Sample, sampling};
use crate::stripe::{self, StripeIndex};
use crate::sync::{AtomicU64, Ordering};
use crate::time::nanos;

/// The samples of a window, as sums per stripe.
///
/// The sums of one sample are not added atomically, so a window that ends in between has only some of them. The error
/// is negligible over a window, and no call takes a lock.
#[derive(Debug)]
pub(super) struct Samples {
    stripes: Box<[Arc<Part>]>,
    /// Calls rejected during the window. Not striped, because rejections are not on the fast path.
    refused: AtomicU64,
}

/// One stripe of the samples, for the threads that share it.
#[derive(Debug, Clone)]
pub struct Stripe(Arc<Part>);

#[derive(Debug, Default)]
#[repr(align(128))]
struct Part {
    /// Two counters: all samples in the lower 32 bits, samples at the limit in the upper 32.
    counts: AtomicU64,
    rtt: AtomicU64,
    in_flight: AtomicU64,
    dropped: AtomicU64,
    /// The part of `rtt` of the dropped samples.
    dropped_rtt: AtomicU64,
    /// Calls left before the next sample.
    before_next: AtomicU64,
    /// The number of samples selected so far.
    chosen: AtomicU64,
}

/// The sums of one window.
#[derive(Debug, Default)]
pub(super) struct Sums {
    count: u64,
    at_limit: u64,
    rtt: u64,
    in_flight: u64,
    dropped: u64,
    dropped_rtt: u64,
    refused: u64,
}

/// The means of one window of samples.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// The mean round trip time, in seconds.
    pub(super) rtt: f64,
    /// The mean round trip time of answered calls, in seconds, if there were any.
    pub(super) answered: Option<f64>,
    /// The mean number in flight.
    pub(super) in_flight: f64,
    /// Calls that ended, per second.
    pub(super) throughput: f64,
    /// The share of calls that found the limit reached.
    pub(super) at_limit: f64,
    /// The share of calls that ended in overload or timed out.
    pub(super) dropped: f64,
    /// The share of rejected calls among the calls that ended or were rejected.
    pub(super) refused: f64,
}

impl Window {
    /// Whether the limit determined the number of calls in flight, and not the load.
    pub(super) fn is_reached(&self) -> bool {
        self.at_limit >= REACHED || self.refused >= REFUSED
    }

    /// Whether the limit was reached, or the mean number in flight rounds to it.
    pub(super) fn fills(&self, limit: f64) -> bool {
        self.is_reached() || self.in_flight >= limit - 0.5
    }

    /// Lowers a limit by a factor. If only the load determines the number in flight, the result is not below what is in
    /// use: a lower limit would only reject the next burst.
    pub(super) fn back_off(&self, limit: f64, factor: f64) -> f64 {
        let lower = limit * factor;
        if self.fills(limit) {
            lower
        } else {
            lower.max(IN_USE * self.in_flight).min(limit)
        }
    }
}

impl Default for Samples {
    fn default() -> Self {
        Self {
            stripes: (0..stripe::count()).map(|_| Arc::default()).collect(),
            refused: AtomicU64::new(0),
        }
    }
}

impl Stripe {
    /// Whether this call is not sampled. Two threads may count as one call here. That only delays a sample, and costs
    /// less than synchronization.
    #[inline]
    pub(super) fn passes(&self) -> bool {
        let before = self.0.before_next.load(Ordering::Relaxed);
        if before == 0 {
            return false;
        }
        self.0.before_next.store(before - 1, Ordering::Relaxed);
        true
    }

    /// Records that a sample was selected, one of `every` on average, and sets how many calls precede the next.
    pub(super) fn choose(&self, every: u64) {
        let chosen = self.0.chosen.fetch_add(1, Ordering::Relaxed);
        let before_next = sampling::gap(chosen, every) - 1;
        self.0.before_next.store(before_next, Ordering::Relaxed);
    }
}

impl Samples {
    pub(super) fn stripe(&self, stripe: StripeIndex) -> Stripe {
        Stripe(Arc::clone(&self.stripes[stripe.of(self.stripes.len())]))
    }

    /// Samples every call from now on.
    pub(super) fn choose_all(&self) {
        for part in &self.stripes {
            part.before_next.store(0, Ordering::Relaxed);
        }
    }

    /// Adds a sample. Returns whether to check if the window is full.
    #[inline]
    pub(super) fn add(&self, sample: Sample) -> bool {
        let stripe = &self.stripes[stripe::current(self.stripes.len())];
        stripe.rtt.fetch_add(nanos(sample.rtt), Ordering::Relaxed);
        stripe
            .in_flight
            .fetch_add(sample.in_flight, Ordering::Relaxed);
        if sample.dropped {
            stripe.dropped.fetch_add(1, Ordering::Relaxed);
            let rtt = nanos(sample.rtt);
            stripe.dropped_rtt.fetch_add(rtt, Ordering::Relaxed);
        }
        let one = 1 | u64::from(sample.at_limit) << 32;
        let before = stripe.counts.fetch_add(one, Ordering::Relaxed);
        before & LOOK_EVERY == LOOK_EVERY
    }

    pub(super) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn has_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed) > 0
    }

    pub(super) fn count(&self) -> u64 {
        let counts = |part: &Arc<Part>| part.counts.load(Ordering::Relaxed) & COUNT;
        self.stripes.iter().map(counts).sum()
    }

    /// Returns the sums and resets them.
    pub(super) fn take(&self) -> Sums {
        let mut sums = Sums {
            refused: self.refused.swap(0, Ordering::Relaxed),
            ..Sums::default()
        };
        for stripe in &self.stripes {
            let counts = stripe.counts.swap(0, Ordering::Relaxed);
            sums.count += counts & COUNT;
            sums.at_limit += counts >> 32;
            let rtt = stripe.rtt.swap(0, Ordering::Relaxed);
            sums.rtt = sums.rtt.saturating_add(rtt);
            sums.in_flight += stripe.in_flight.swap(0, Ordering::Relaxed);
            sums.dropped += stripe.dropped.swap(0, Ordering::Relaxed);
            let rtt = stripe.dropped_rtt.swap(0, Ordering::Relaxed);
            sums.dropped_rtt = sums.dropped_rtt.saturating_add(rtt);
        }
        sums
    }
}

impl Sums {
    /// Computes the window from sums over one in `every` calls and a length in nanoseconds. `rtt`, `in_flight` and
    /// `throughput` are above zero, and no value is NaN.
    pub(super) fn over(&self, nanos: u64, every: u64) -> Window {
        let count = self.count.max(1) as f64;
        let mean = |rtt: u64, count: f64| (rtt as f64 / count).max(1.0) / 1e9;
        let answered = self.count.saturating_sub(self.dropped);
        Window {
            rtt: mean(self.rtt, count),
            answered: (answered > 0)
                .then(|| mean(self.rtt.saturating_sub(self.dropped_rtt), answered as f64)),
            in_flight: (self.in_flight as f64 / count).max(1.0),
            throughput: count * every as f64 * 1e9 / nanos.max(1) as f64,
            at_limit: self.at_limit as f64 / count,
            dropped: self.dropped as f64 / count,
            refused: self.refused as f64 / (count * every as f64 + self.refused as f64),
        }
    }
}

/// From this share of calls that found the limit reached, the limit determines the number in flight.
const REACHED: f64 = 0.5;
/// From this share of rejected calls, too: without a queue, at 1.2 times the capacity, only one call in six finds the
/// limit reached.
const REFUSED: f64 = 0.05;
/// The calls in use times this leave room for random arrivals.
const IN_USE: f64 = 1.5;

const COUNT: u64 = (1 << 32) - 1;

/// The other stripes are summed once for every eight samples of a stripe.
const LOOK_EVERY: u64 = 7;
