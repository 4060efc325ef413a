use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts values that are created and dropped: the current number, the peak, and the total.
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
    /// Counts one more, until the returned presence is dropped.
    #[must_use]
    pub fn enter(&self) -> Presence {
        let now = self.0.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.peak.fetch_max(now, Ordering::SeqCst);
        self.0.total.fetch_add(1, Ordering::SeqCst);
        Presence(self.clone())
    }

    /// The current number.
    #[must_use]
    pub fn now(&self) -> usize {
        self.0.now.load(Ordering::SeqCst)
    }

    /// The largest number at one time.
    #[must_use]
    pub fn peak(&self) -> usize {
        self.0.peak.load(Ordering::SeqCst)
    }

    /// The number ever counted.
    #[must_use]
    pub fn total(&self) -> usize {
        self.0.total.load(Ordering::SeqCst)
    }
}

/// One value that a [`Gauge`] counts. A clone is counted as another.
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
