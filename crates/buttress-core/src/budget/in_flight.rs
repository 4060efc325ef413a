use crate::stripe;
use crate::sync::{AtomicU64, Ordering};

/// The calls in flight, and those that began: counted by every thread in its own stripe.
///
/// A word has both counts, so that a call that begins costs one addition: the lower half has the calls in flight, the
/// upper half those that began, modulo 2³².
#[derive(Debug)]
pub(super) struct InFlight(Box<[Stripe]>);

#[derive(Debug, Clone, Copy)]
pub(super) struct Calls {
    pub(super) in_flight: u64,
    /// All calls that began, modulo 2³².
    pub(super) began: u32,
}

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
        self.current().fetch_add(BEGAN | 1, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn end(&self) {
        self.current().fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn count(&self) -> Calls {
        // A call may end on another thread than it began on. The lower half of a stripe then borrows from the upper,
        // and the sum is right again; but of a call that moves while the stripes are read only the end may be seen.
        let sum = self.0.iter().fold(0_u64, |sum, stripe| {
            sum.wrapping_add(stripe.0.load(Ordering::Relaxed))
        });
        let in_flight = sum as u32 as i32;
        let began = (sum >> 32) as u32;
        Calls {
            in_flight: u64::try_from(in_flight).unwrap_or(0),
            began: began.wrapping_add(u32::from(in_flight < 0)),
        }
    }

    #[inline]
    fn current(&self) -> &AtomicU64 {
        &self.0[stripe::current(self.0.len())].0
    }
}

const BEGAN: u64 = 1 << 32;
