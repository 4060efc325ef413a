use std::sync::Arc;

use super::Permit;
use crate::stripe::{self, StripeIndex};
use crate::sync::{AtomicU64, Ordering};

/// The free tokens, in a stripe for each processor.
#[derive(Debug)]
pub(super) struct TokenPool {
    stripes: Box<[Stripe]>,
}

/// The free tokens of the threads that share a stripe.
#[derive(Debug, Clone)]
pub struct Stripe(Arc<Tokens>);

/// The number of tokens, and whether the stripe is open: a closed stripe is reported to a thread that returns a token.
///
/// Aligned so that no two counts share a line, nor a pair of lines that are fetched together.
#[derive(Debug)]
#[repr(align(128))]
struct Tokens(AtomicU64);

/// The bit that marks a closed stripe: as a signed number its count is negative.
const CLOSED: u64 = 1 << 63;

impl Stripe {
    /// A slot, if this stripe has a token. If not, call [`acquire`](super::Bulkhead::acquire).
    #[inline]
    #[must_use = "a permit that is dropped is lost to the bulkhead"]
    pub fn try_acquire(&self) -> Option<Permit> {
        let tokens = &self.0.0;
        let mut found = tokens.load(Ordering::Relaxed);
        while found as i64 > 0 {
            // Acquires what was done under the token before.
            match tokens.compare_exchange_weak(
                found,
                found - 1,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(Permit::COUNTED),
                Err(now) => found = now,
            }
        }
        None
    }

    /// Adds tokens. False if the stripe is closed: then the caller must collect them under the lock.
    #[inline]
    pub(super) fn put(&self, tokens: u64) -> bool {
        self.0.0.fetch_add(tokens, Ordering::Release) & CLOSED == 0
    }

    /// Closes the stripe, and takes its tokens. A token that is returned at the same time is either taken here, or its
    /// thread finds the stripe closed.
    pub(super) fn close(&self) -> u64 {
        self.0.0.swap(CLOSED, Ordering::AcqRel) & !CLOSED
    }
}

impl TokenPool {
    pub(super) fn new() -> Self {
        Self {
            stripes: (0..stripe::count())
                .map(|_| Stripe(Arc::new(Tokens(AtomicU64::new(0)))))
                .collect(),
        }
    }

    pub(super) fn stripes(&self) -> usize {
        self.stripes.len()
    }

    #[inline]
    pub(super) fn of(&self, stripe: StripeIndex) -> &Stripe {
        &self.stripes[stripe.of(self.stripes.len())]
    }

    /// Closes all stripes, and takes their tokens.
    pub(super) fn close(&self) -> u64 {
        self.stripes.iter().map(Stripe::close).sum()
    }

    /// Opens all stripes again. Tokens that were added to them meanwhile stay there.
    pub(super) fn open(&self) {
        for stripe in &self.stripes {
            stripe.0.0.fetch_and(!CLOSED, Ordering::AcqRel);
        }
    }

    /// The number of tokens, which other threads may change at any time.
    pub(super) fn count(&self) -> u64 {
        let tokens = |stripe: &Stripe| stripe.0.0.load(Ordering::Acquire) & !CLOSED;
        self.stripes.iter().map(tokens).sum()
    }
}
