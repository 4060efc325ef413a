//! Quantiles of recent latencies.

mod scale;

use std::time::{Duration, Instant};

use self::scale::STEPS;
use crate::sync::{AtomicU64, Ordering};
use crate::time::{Origin, nanos};
use crate::window::{Memo, Slot};
use crate::{ConfigError, Ratio, stripe};

/// A histogram of latencies over a sliding window, for quantiles.
///
/// Latencies are counted linearly up to 2 µs, and from there in 32 steps per doubling, up to 18 minutes. A quantile is
/// therefore never too short, and too long by at most 1/32 or 32 ns, whichever is longer. The window slides by quarters
/// of its length, so it spans between three quarters of its length and all of it.
///
/// Recording takes no lock. Up to eight processors each write to memory of their own, 32 KiB for each; beyond eight,
/// processors share it.
///
/// ```
/// use std::time::{Duration, Instant};
/// use buttress_core::{LatencyQuantiles, Ratio};
///
/// # fn main() -> Result<(), buttress_core::ConfigError> {
/// let now = Instant::now();
/// let latencies = LatencyQuantiles::new(Duration::from_secs(10), now)?;
/// for call in 1..=100 {
///     latencies.record(Duration::from_millis(call), now);
/// }
/// let p95 = latencies.quantile(Ratio::percent(95), now).expect("there were calls");
/// assert_eq!(p95.as_millis(), 96);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct LatencyQuantiles {
    memo: Memo,
    origin: Origin,
    /// The number of times the window was changed.
    generation: AtomicU64,
    slice_nanos: AtomicU64,
    stripes: Box<[Stripe]>,
}

/// The counts of one processor: all steps of the first slice of time, then all of the second, and so on.
type Stripe = Box<[AtomicU64]>;

/// The number of slices of the window. The window spans the elapsed part of the current slice and the slices before it.
const SLICES: u64 = 4;
/// The maximum number of stripes. Beyond it, sharing a stripe costs less than the memory.
const MOST_STRIPES: usize = 8;

impl LatencyQuantiles {
    /// The shortest window: 1 second.
    pub const MIN_WINDOW: Duration = Duration::from_secs(1);
    /// The longest window: 1 hour.
    pub const MAX_WINDOW: Duration = Duration::from_secs(60 * 60);

    /// Creates an empty window whose clock starts at `now`.
    ///
    /// # Errors
    ///
    /// A window below [`MIN_WINDOW`](Self::MIN_WINDOW) or above [`MAX_WINDOW`](Self::MAX_WINDOW).
    pub fn new(window: Duration, now: Instant) -> Result<Self, ConfigError> {
        Self::check(window)?;
        let counts = || (0..SLICES as usize * STEPS).map(|_| AtomicU64::new(0));
        Ok(Self {
            memo: Memo::new(),
            origin: Origin::new(now),
            generation: AtomicU64::new(1),
            slice_nanos: AtomicU64::new(slice_nanos(window)),
            stripes: (0..stripe::count().min(MOST_STRIPES))
                .map(|_| counts().collect())
                .collect(),
        })
    }

    /// Checks the length of a window.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn check(window: Duration) -> Result<(), ConfigError> {
        if (Self::MIN_WINDOW..=Self::MAX_WINDOW).contains(&window) {
            return Ok(());
        }
        let bound = format!("from {:?} to {:?}", Self::MIN_WINDOW, Self::MAX_WINDOW);
        Err(ConfigError::new(
            "window",
            format_args!("{window:?}"),
            bound,
        ))
    }

    /// Counts a call that ended at `now`.
    #[inline]
    pub fn record(&self, latency: Duration, now: Instant) {
        // Nearly all calls end in the same slice as the last one of their thread.
        let version = self.generation.load(Ordering::Acquire);
        match self.memo.recall(version, now, now) {
            Some(slot) => self.count_in(slot, latency),
            None => self.record_slowly(latency, now),
        }
    }

    #[cold]
    #[inline(never)]
    fn record_slowly(&self, latency: Duration, now: Instant) {
        let at = self.origin.nanos_at(now);
        let version = self.generation.load(Ordering::Acquire);
        let slice = self.slice_nanos.load(Ordering::Relaxed);
        let slot = self.slot(at);
        // If the window was changed meanwhile, these parts may not belong together.
        if version == self.generation.load(Ordering::Acquire) {
            self.memo.remember(version, slot, (slice, slice), now, at);
        }
        self.count_in(slot, latency);
    }

    /// Counts a call that ended at `at` nanoseconds.
    #[inline]
    pub(crate) fn record_at(&self, latency: Duration, at: u64) {
        self.count_in(self.slot(at), latency);
    }

    /// Returns the slot in which this thread counts the calls of the slice that contains `at` nanoseconds.
    #[inline]
    fn slot(&self, at: u64) -> Slot {
        let slice = self.slice_of(at);
        Slot {
            stripe: stripe::current(self.stripes.len()) as u32,
            index: offset(slice) as u32,
            empty: self.stamp(slice) << COUNT_BITS,
        }
    }

    #[inline]
    fn count_in(&self, slot: Slot, latency: Duration) {
        let stripe = &self.stripes[slot.stripe as usize];
        let counter = &stripe[slot.index as usize + scale::step(nanos(latency))];
        let mut word = counter.load(Ordering::Relaxed);
        loop {
            // A count with an outdated stamp is empty, so the passing of time has nothing to erase.
            let next = if word >> COUNT_BITS == slot.empty >> COUNT_BITS {
                word + u64::from(count(word) != MOST)
            } else {
                slot.empty | 1
            };
            match counter.compare_exchange_weak(word, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return,
                Err(actual) => word = actual,
            }
        }
    }

    /// Returns the latency that this share of the calls did not exceed, or `None` without calls. Computed by nearest
    /// rank, so 0 is the shortest latency and 1 the longest.
    #[must_use]
    pub fn quantile(&self, share: Ratio, now: Instant) -> Option<Duration> {
        self.histogram(now).quantile(share)
    }

    /// Returns the number of calls in the window.
    #[must_use]
    pub fn calls(&self, now: Instant) -> u64 {
        self.histogram(now).calls()
    }

    /// Discards all calls, and slides over `window` from now on.
    pub(crate) fn restart(&self, window: Duration) {
        self.slice_nanos
            .store(slice_nanos(window), Ordering::Relaxed);
        self.generation.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn histogram(&self, now: Instant) -> Histogram {
        let current = self.slice_of(self.origin.nanos_at(now));
        let mut sums = [0; STEPS];
        for slice in current.saturating_sub(SLICES - 1)..=current {
            let wanted = self.stamp(slice);
            for stripe in &self.stripes {
                let counters = &stripe[offset(slice)..][..STEPS];
                for (sum, counter) in sums.iter_mut().zip(counters) {
                    let word = counter.load(Ordering::Relaxed);
                    if word >> COUNT_BITS == wanted {
                        *sum += count(word);
                    }
                }
            }
        }
        Histogram(sums)
    }

    #[inline]
    fn slice_of(&self, at: u64) -> u64 {
        at / self.slice_nanos.load(Ordering::Relaxed)
    }

    /// Distinguishes the current generation and lap from all others: 16 bits of the generation, 24 of the lap. It
    /// repeats after 65 536 changes of the window, or 16 million windows.
    #[inline]
    fn stamp(&self, slice: u64) -> u64 {
        let generation = self.generation.load(Ordering::Acquire) & 0xFFFF;
        generation << LAP_BITS | (slice / SLICES) & ((1 << LAP_BITS) - 1)
    }
}

/// The number of calls of one window in each step.
pub(crate) struct Histogram([u64; STEPS]);

impl Histogram {
    pub(crate) fn calls(&self) -> u64 {
        self.0.iter().sum()
    }

    pub(crate) fn quantile(&self, share: Ratio) -> Option<Duration> {
        let rank = (share.get() * self.calls() as f64).ceil().max(1.0) as u64;
        let mut passed = 0;
        let step = self.0.iter().position(|calls| {
            passed += calls;
            passed >= rank
        })?;
        Some(Duration::from_nanos(scale::longest_in(step)))
    }
}

fn slice_nanos(window: Duration) -> u64 {
    nanos(window).div_ceil(SLICES).max(1)
}

#[inline]
fn offset(slice: u64) -> usize {
    (slice % SLICES) as usize * STEPS
}

const LAP_BITS: u32 = 24;
const COUNT_BITS: u32 = 24;
const MOST: u64 = (1 << COUNT_BITS) - 1;

/// The count in a word, at most 16 777 215 calls of one processor in one step and slice, so that it does not overflow
/// into the stamp.
#[inline]
fn count(word: u64) -> u64 {
    word & MOST
}
