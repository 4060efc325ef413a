use super::BUCKETS;
use super::count::CountRing;
use super::kind::Window;
use super::successes::Successes;
use super::time::TimeRing;

/// The calls of a window that failed or were slow, and the totals of both halves.
///
/// Protected by its owner's lock, and always used with the same [`Successes`].
#[derive(Debug)]
pub struct History {
    window: Window,
    ring: Ring,
}

#[derive(Debug)]
enum Ring {
    Count(CountRing),
    Time(Box<TimeRing>),
}

/// The result of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark {
    /// The call failed.
    pub failed: bool,
    /// The call was slow, whether it failed or not.
    pub slow: bool,
}

/// The number of calls in a window, and how many of them failed or were slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// All calls.
    pub calls: u64,
    /// Calls that failed.
    pub failures: u64,
    /// Calls that were slow.
    pub slow: u64,
}

impl Counts {
    /// The share of failures; 0 in an empty window.
    #[must_use]
    pub fn failure_ratio(&self) -> f64 {
        share(self.failures, self.calls)
    }

    /// The share of slow calls; 0 in an empty window.
    #[must_use]
    pub fn slow_ratio(&self) -> f64 {
        share(self.slow, self.calls)
    }

    pub(super) fn add(&mut self, calls: u64, mark: Mark) {
        self.calls += calls;
        self.failures += u64::from(mark.failed);
        self.slow += u64::from(mark.slow);
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.calls += other.calls;
        self.failures += other.failures;
        self.slow += other.slow;
    }
}

impl History {
    /// Creates an empty window.
    #[must_use]
    pub fn new(window: Window) -> Self {
        let ring = match window {
            Window::Count(size) => Ring::Count(CountRing::new(size)),
            Window::Time(_) => Ring::Time(Box::default()),
        };
        Self { window, ring }
    }

    /// The kind of the window.
    #[must_use]
    pub fn window(&self) -> Window {
        self.window
    }

    /// Records a call that ended at `at` nanoseconds.
    pub fn record(&mut self, successes: &Successes, at: u64, mark: Mark) {
        match &mut self.ring {
            Ring::Count(ring) => {
                // The successes so far are taken as earlier: between threads there is no other order.
                ring.push_successes(successes.take_bucket(0));
                ring.push(mark);
            }
            Ring::Time(ring) => ring.record(at / successes.bucket_nanos(), 1, mark),
        }
    }

    /// Returns the counts of the window at `now` nanoseconds.
    pub fn counts(&mut self, successes: &Successes, now: u64) -> Counts {
        match &mut self.ring {
            Ring::Count(ring) => {
                ring.push_successes(successes.take_bucket(0));
                ring.counts()
            }
            Ring::Time(ring) => ring.counts(successes, now / successes.bucket_nanos()),
        }
    }

    /// Returns the counts of the window at `now` nanoseconds, and of the newest part of it: those since the start of
    /// each bucket, the newest first. In a count window all of them are those of the window.
    pub fn suffixes(&mut self, successes: &Successes, now: u64) -> [Counts; BUCKETS] {
        match &mut self.ring {
            Ring::Count(_) => [self.counts(successes, now); BUCKETS],
            Ring::Time(ring) => ring.suffixes(successes, now / successes.bucket_nanos()),
        }
    }

    /// Empties the window.
    pub fn clear(&mut self, successes: &Successes) {
        *self = Self::new(self.window);
        successes.restart(self.window);
    }

    /// Changes the kind or length of the window and keeps its calls. A time window sorts its calls into the new
    /// buckets, a count window keeps the latest calls, and between the two kinds only the sums are kept.
    pub fn resize(&mut self, successes: &Successes, window: Window, now: u64) {
        let sum = self.counts(successes, now);
        let before = successes.bucket_nanos();
        match (&mut self.ring, window) {
            (Ring::Count(ring), Window::Count(size)) => ring.resize(size),
            (Ring::Time(ring), Window::Time(_)) => {
                let held = ring.drain(successes, now / before);
                successes.restart(window);
                let mut ring = Box::<TimeRing>::default();
                for (bucket, counts) in held {
                    ring.merge(
                        bucket.saturating_mul(before) / successes.bucket_nanos(),
                        counts,
                    );
                }
                self.ring = Ring::Time(ring);
            }
            (_, Window::Count(size)) => {
                successes.restart(window);
                let mut ring = CountRing::new(size);
                ring.push_evenly(sum);
                self.ring = Ring::Count(ring);
            }
            (_, Window::Time(_)) => {
                successes.restart(window);
                let mut ring = Box::<TimeRing>::default();
                ring.merge(now / successes.bucket_nanos(), sum);
                self.ring = Ring::Time(ring);
            }
        }
        self.window = window;
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}
