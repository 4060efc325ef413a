use crate::stripe::{self, StripeIndex};
use crate::sync::{AtomicU64, Ordering};

/// Tokens in stock, in a stripe for each processor.
#[derive(Debug)]
pub(super) struct Stock {
    stripes: Box<[Stripe]>,
}

/// Aligned so that no two counts share a line, nor a pair of lines that are fetched together.
#[derive(Debug)]
#[repr(align(128))]
struct Stripe(AtomicU64);

impl Stock {
    pub(super) fn new() -> Self {
        Self {
            stripes: (0..stripe::count())
                .map(|_| Stripe(AtomicU64::new(0)))
                .collect(),
        }
    }

    pub(super) fn stripes(&self) -> usize {
        self.stripes.len()
    }

    /// Takes a token from a stripe.
    #[inline]
    pub(super) fn take(&self, stripe: StripeIndex) -> bool {
        let own = self.of(stripe);
        let mut tokens = own.load(Ordering::Relaxed);
        while let Some(fewer) = tokens.checked_sub(1) {
            // Acquires what was done under the token before.
            match own.compare_exchange_weak(tokens, fewer, Ordering::SeqCst, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => tokens = now,
            }
        }
        false
    }

    /// Puts tokens into a stripe.
    #[inline]
    pub(super) fn put(&self, stripe: StripeIndex, tokens: u64) {
        self.of(stripe).fetch_add(tokens, Ordering::SeqCst);
    }

    /// Takes all tokens.
    pub(super) fn drain(&self) -> u64 {
        self.stripes
            .iter()
            .map(|stripe| stripe.0.swap(0, Ordering::SeqCst))
            .sum()
    }

    /// How many tokens there are, which may change meanwhile.
    pub(super) fn count(&self) -> u64 {
        self.stripes
            .iter()
            .map(|stripe| stripe.0.load(Ordering::SeqCst))
            .sum()
    }

    #[inline]
    fn of(&self, stripe: StripeIndex) -> &AtomicU64 {
        &self.stripes[stripe.of(self.stripes.len())].0
    }
}
