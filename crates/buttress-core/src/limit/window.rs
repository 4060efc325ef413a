use std::sync::Arc;

use super::{Sample, sampling};
use crate::stripe::{self, StripeIndex};
use crate::sync::{AtomicU64, Ordering};
use crate::time::nanos;

/// The samples of a window, as sums in stripes.
///
/// The sums of one sample are not added at one moment: a window that ends in between has a count from one side
/// and a time from the other. Over a window that is nothing; it saves every call a lock.
#[derive(Debug)]
pub(super) struct Samples {
    stripes: Box<[Arc<Part>]>,
    /// Calls that were rejected meanwhile. In one place: to reject is no hurry.
    refused: AtomicU64,
}

/// What the threads that share a stripe have of it.
#[derive(Debug, Clone)]
pub struct Stripe(Arc<Part>);

#[derive(Debug, Default)]
#[repr(align(128))]
struct Part {
    /// The count below, those at the limit above.
    counts: AtomicU64,
    rtt: AtomicU64,
    in_flight: AtomicU64,
    dropped: AtomicU64,
    /// Of `rtt`, what those took that were dropped.
    dropped_rtt: AtomicU64,
    /// How many calls come before the next sample.
    before_next: AtomicU64,
    /// How many samples were chosen.
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

/// What one window of samples says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// The mean round trip, in seconds.
    pub(super) rtt: f64,
    /// The same of those alone that were answered, if any were.
    pub(super) answered: Option<f64>,
    /// The mean of the numbers in flight.
    pub(super) in_flight: f64,
    /// Calls that ended, a second.
    pub(super) throughput: f64,
    /// The share of calls that found the limit reached.
    pub(super) at_limit: f64,
    /// The share of calls that count towards a lower limit.
    pub(super) dropped: f64,
    /// The share of calls that were rejected, of those and the ones that ended.
    pub(super) refused: f64,
}

impl Window {
    /// Whether the limit determined the number of calls in flight, and not the load.
    pub(super) fn is_reached(&self) -> bool {
        self.at_limit >= REACHED || self.refused >= REFUSED
    }

    /// The same with that `limit`, which was rounded to whole calls.
    pub(super) fn fills(&self, limit: f64) -> bool {
        self.is_reached() || self.in_flight >= limit - 0.5
    }

    /// A limit lowered by a factor, but not below what is in use: where only the load determines the number of calls in
    /// flight, a limit near it only rejects the next burst.
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
    /// Whether one of the calls that come before the next sample begins. Two threads may be one call here: that makes
    /// a sample come later, and is no reason to wait for each other.
    #[inline]
    pub(super) fn passes(&self) -> bool {
        let before = self.0.before_next.load(Ordering::Relaxed);
        if before == 0 {
            return false;
        }
        self.0.before_next.store(before - 1, Ordering::Relaxed);
        true
    }

    /// A sample was chosen, out of `every` calls on average: how many pass before the next.
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

    /// All calls are samples, from now on.
    pub(super) fn choose_all(&self) {
        for part in &self.stripes {
            part.before_next.store(0, Ordering::Relaxed);
        }
    }

    /// Adds a sample. Returns whether it is worth looking if the window is full.
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

    /// Takes the sums, and begins anew.
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
    /// The window from the sums of one in `every` calls and a length in nanoseconds. No value in it is zero or not a
    /// number.
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

/// Windows in which at least this share of calls found the limit reached are shaped by it.
const REACHED: f64 = 0.5;
/// So are those beside which this share of calls was rejected: without a queue only one call in six finds the limit
/// reached in an overload of 1.2 times, because the others come after it.
const REFUSED: f64 = 0.05;
/// What is in use, with room for calls that come at random.
const IN_USE: f64 = 1.5;

const COUNT: u64 = (1 << 32) - 1;

/// A stripe looks at the others once for every eight samples of its own.
const LOOK_EVERY: u64 = 7;
