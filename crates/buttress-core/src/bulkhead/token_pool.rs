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

/// As a signed number, a closed stripe has fewer than none.
const CLOSED: u64 = 1 << 63;

impl Stripe {
    /// A slot, if this stripe has a token. If not, [`acquire`](super::Bulkhead::acquire) decides about the call.
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

    /// Closes it, or leaves it closed, and takes what is in it. Of a token that is put back meanwhile one of the two
    /// knows: it is taken here, or the stripe is found closed there.
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

    /// Closes all stripes, and takes what is in them.
    pub(super) fn close(&self) -> u64 {
        self.stripes.iter().map(Stripe::close).sum()
    }

    /// Opens all stripes again. What was put into them meanwhile stays there.
    pub(super) fn open(&self) {
        for stripe in &self.stripes {
            stripe.0.0.fetch_and(!CLOSED, Ordering::AcqRel);
        }
    }

    /// How many tokens there are, which may change meanwhile.
    pub(super) fn count(&self) -> u64 {
        let tokens = |stripe: &Stripe| stripe.0.0.load(Ordering::Acquire) & !CLOSED;
        self.stripes.iter().map(tokens).sum()
    }
}
