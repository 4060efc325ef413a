use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts things that come and go: how many are here, how many were here at most, how many there
/// ever were.
///
/// ```
/// use buttress_testkit::Gauge;
///
/// let gauge = Gauge::default();
/// let first = gauge.enter();
/// drop(gauge.enter());
/// drop(first);
/// assert_eq!((gauge.now(), gauge.peak(), gauge.total()), (0, 2, 2));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Gauge(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    now: AtomicUsize,
    peak: AtomicUsize,
    total: AtomicUsize,
}

impl Gauge {
    /// One more is here, for as long as the presence lives.
    #[must_use]
    pub fn enter(&self) -> Presence {
        let now = self.0.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.peak.fetch_max(now, Ordering::SeqCst);
        self.0.total.fetch_add(1, Ordering::SeqCst);
        Presence(self.clone())
    }

    /// How many are here.
    #[must_use]
    pub fn now(&self) -> usize {
        self.0.now.load(Ordering::SeqCst)
    }

    /// How many were here at once, at most.
    #[must_use]
    pub fn peak(&self) -> usize {
        self.0.peak.load(Ordering::SeqCst)
    }

    /// How many there ever were.
    #[must_use]
    pub fn total(&self) -> usize {
        self.0.total.load(Ordering::SeqCst)
    }
}

/// One of what a [`Gauge`] counts. A clone is one more.
#[derive(Debug)]
pub struct Presence(Gauge);

impl Clone for Presence {
    fn clone(&self) -> Self {
        self.0.enter()
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.0.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}
