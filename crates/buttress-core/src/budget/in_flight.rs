use crate::stripe;
use crate::sync::{AtomicU64, Ordering};

/// The number of calls in flight: counted by every thread in its own stripe.
#[derive(Debug)]
pub(super) struct InFlight(Box<[Stripe]>);

#[derive(Debug)]
#[repr(align(128))]
struct Stripe(AtomicU64);

impl InFlight {
    pub(super) fn new() -> Self {
        Self(
            (0..stripe::count())
                .map(|_| Stripe(AtomicU64::new(0)))
                .collect(),
        )
    }

    #[inline]
    pub(super) fn begin(&self) {
        self.current().fetch_add(1, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn end(&self) {
        self.current().fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn count(&self) -> u64 {
        // A call may end on another thread than it began on. A stripe then wraps around, and the sum is right
        // again; but of a call that moves while the stripes are read only the end may be seen.
        let sum = self.0.iter().fold(0_u64, |sum, stripe| {
            sum.wrapping_add(stripe.0.load(Ordering::Relaxed))
        });
        u64::try_from(sum as i64).unwrap_or(0)
    }

    #[inline]
    fn current(&self) -> &AtomicU64 {
        &self.0[stripe::current(self.0.len())].0
    }
}
