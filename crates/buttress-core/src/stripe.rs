//! Which stripe a thread uses of a striped value.
//!
//! Threads that write to one cache line wait for each other, however short the write. State that every call writes is
//! therefore kept once per processor, and a thread always uses the same stripe.

/// The index of a stripe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StripeIndex(usize);

impl StripeIndex {
    /// The stripe of the current thread.
    #[inline]
    #[must_use]
    pub fn current() -> Self {
        Self(current(count()))
    }

    /// All stripes.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..count()).map(Self)
    }

    /// Which one it is of `count`, which must be a power of two.
    #[inline]
    pub(crate) fn of(self, count: usize) -> usize {
        self.0 & (count - 1)
    }
}

/// How many stripes to make: a power of two, at least one for each processor.
#[cfg(not(buttress_loom))]
pub(crate) fn count() -> usize {
    use std::sync::OnceLock;

    // A breaker's stripes take 256 bytes each; above this number, sharing a stripe costs less than the memory.
    const MOST: usize = 64;
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| {
        std::thread::available_parallelism()
            .map_or(1, usize::from)
            .next_power_of_two()
            .min(MOST)
    })
}

/// The stripe of the current thread, out of `count`, which must be a power of two.
#[cfg(not(buttress_loom))]
#[inline]
pub(crate) fn current(count: usize) -> usize {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const UNKNOWN: usize = usize::MAX;
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static MINE: Cell<usize> = const { Cell::new(UNKNOWN) };
    }

    #[cold]
    fn choose() -> usize {
        // Never the value for "not assigned".
        let mine = NEXT.fetch_add(1, Ordering::Relaxed) & (UNKNOWN >> 1);
        MINE.set(mine);
        mine
    }

    let mut mine = MINE.get();
    if mine == UNKNOWN {
        mine = choose();
    }
    mine & (count - 1)
}

/// In a model all threads share one stripe, which is the harder case.
#[cfg(buttress_loom)]
pub(crate) fn count() -> usize {
    1
}

#[cfg(buttress_loom)]
pub(crate) fn current(_: usize) -> usize {
    0
}
