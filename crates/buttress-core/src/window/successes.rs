use std::time::Instant;

use super::BUCKETS;
use super::kind::Window;
use super::tick::{Memo, Slot};
use crate::stripe;
use crate::sync::{AtomicU64, Ordering};

/// The calls of a window that succeeded in time: counted by every thread in its own stripe, without a lock, and added
/// up only on a read.
///
/// Each count carries a stamp of the window's generation and of the lap that its bucket is in. A count whose stamp is
/// out of date is empty, so neither a reset nor the passing of time has anything to erase, and a writer that was
/// suspended during either cannot add to later counts.
#[derive(Debug)]
pub struct Successes {
    memo: Memo,
    generation: AtomicU64,
    bucket_nanos: AtomicU64,
    stripes: Box<[Stripe]>,
}

#[derive(Debug)]
#[repr(align(128))]
struct Stripe([AtomicU64; BUCKETS]);

/// Names the period between two resets of a window, so that a late writer is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generation(u64);

impl Generation {
    /// As the version of a [remembered](Successes::remember) tick.
    #[inline]
    pub(crate) fn version(self) -> u64 {
        self.0
    }
}

impl Successes {
    /// An empty window.
    #[must_use]
    pub fn new(window: Window) -> Self {
        Self {
            memo: Memo::new(),
            generation: AtomicU64::new(0),
            bucket_nanos: AtomicU64::new(window.bucket_nanos()),
            stripes: (0..stripe::count())
                .map(|_| Stripe(std::array::from_fn(|_| AtomicU64::new(0))))
                .collect(),
        }
    }

    /// The current generation. Read it before checking that the call still belongs to the present, and
    /// [`add`](Self::add) will not count a call that a reset overtook in between.
    #[inline]
    pub fn generation(&self) -> Generation {
        Generation(self.generation.load(Ordering::Acquire))
    }

    /// Counts one call that ended `at` nanoseconds.
    #[inline]
    pub fn add(&self, generation: Generation, at: u64) {
        let bucket = at / self.bucket_nanos.load(Ordering::Relaxed);
        let mine = Stamp::new(generation, bucket);
        let stripe = &self.stripes[stripe::current(self.stripes.len())];
        let slot = &stripe.0[bucket as usize % BUCKETS];
        // Acquire, of the release below: a thread that sees a count of a later generation must then see that
        // generation, and stop.
        let mut word = slot.load(Ordering::Acquire);
        loop {
            let found = Stamp::of(word);
            let next = if found == mine {
                saturating_increment(word)
            } else if found.is_after(mine) || self.generation() != generation {
                // This thread was suspended for a whole window or a reset, so its call is no longer in the window.
                return;
            } else {
                mine.word(1)
            };
            match slot.compare_exchange_weak(word, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return,
                Err(actual) => word = actual,
            }
        }
    }

    /// Where a call counts that began and ended then, if this thread remembers it of this `version` of the window.
    #[inline]
    pub(crate) fn slot_of(&self, version: u64, began: Instant, ended: Instant) -> Option<Slot> {
        self.memo.recall(version, began, ended)
    }

    /// Remembers where calls count that begin and end around `now`, which is `at` nanoseconds, within at most
    /// `longest` nanoseconds of each other.
    ///
    /// It is forgotten with the `version`, which must be another one after each restart. The `generation` is that from
    /// before either was read.
    pub(crate) fn remember(
        &self,
        generation: Generation,
        version: u64,
        longest: u64,
        now: Instant,
        at: u64,
    ) {
        let bucket = self.bucket_nanos();
        let slot = self.slot(generation, at);
        // If anything was changed meanwhile, these parts may not belong together.
        if generation == self.generation() {
            self.memo
                .remember(version, slot, (bucket, longest), now, at);
        }
    }

    /// Where this thread counts the calls of the bucket that `at` nanoseconds lie in.
    fn slot(&self, generation: Generation, at: u64) -> Slot {
        let bucket = at / self.bucket_nanos();
        Slot {
            stripe: stripe::current(self.stripes.len()) as u32,
            index: (bucket % BUCKETS as u64) as u32,
            empty: Stamp::new(generation, bucket).word(0),
        }
    }

    /// Counts one call there. False, and nothing is counted, where that takes more than an addition: the count is of
    /// another lap or generation, or full, or another thread is at it.
    #[inline]
    pub(crate) fn add_to(&self, at: Slot) -> bool {
        let Some(stripe) = self.stripes.get(at.stripe as usize) else {
            return false;
        };
        let slot = &stripe.0[at.index as usize % BUCKETS];
        let word = slot.load(Ordering::Relaxed);
        // The same stamp, and room for one more: all other words are further away.
        word.wrapping_sub(at.empty) < COUNT_MAX
            && slot
                .compare_exchange(word, word + 1, Ordering::Release, Ordering::Relaxed)
                .is_ok()
    }

    /// The length of a bucket in nanoseconds.
    pub(crate) fn bucket_nanos(&self) -> u64 {
        self.bucket_nanos.load(Ordering::Relaxed)
    }

    /// The calls in the bucket with this number, or in one that a faster clock has already put in its place.
    pub(super) fn in_bucket(&self, bucket: u64) -> u64 {
        let wanted = Stamp::new(self.generation(), bucket);
        self.slots(bucket)
            .map(|slot| slot.load(Ordering::Acquire))
            .filter(|&word| Stamp::of(word) == wanted || Stamp::of(word).is_after(wanted))
            .map(count)
            .sum()
    }

    /// Takes the calls out of the bucket with this number.
    pub(crate) fn take_bucket(&self, bucket: u64) -> u64 {
        let wanted = Stamp::new(self.generation(), bucket);
        self.slots(bucket)
            .map(|slot| {
                let mut word = slot.load(Ordering::Acquire);
                while Stamp::of(word) == wanted && count(word) > 0 {
                    match slot.compare_exchange_weak(
                        word,
                        wanted.word(0),
                        Ordering::AcqRel,
                        Ordering::Acquire,
                    ) {
                        Ok(_) => return count(word),
                        Err(actual) => word = actual,
                    }
                }
                0
            })
            .sum()
    }

    /// Forgets everything, and counts by the buckets of `window` from now on. One thread at a time.
    pub(crate) fn restart(&self, window: Window) {
        // The length first: a thread that sees the new generation must see the new length. A call of the old generation
        // in a bucket of the new length is recognised by its stamp.
        self.bucket_nanos
            .store(window.bucket_nanos(), Ordering::Relaxed);
        let next = self.generation.load(Ordering::Relaxed).wrapping_add(1);
        self.generation.store(next, Ordering::Release);
    }

    fn slots(&self, bucket: u64) -> impl Iterator<Item = &AtomicU64> {
        self.stripes
            .iter()
            .map(move |stripe| &stripe.0[bucket as usize % BUCKETS])
    }
}

/// The upper 40 bits of a count: 16 of the generation, 24 of the lap. A stamp comes round again after 65 536
/// resets or 16 million windows without a single call in that bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp(u64);

impl Stamp {
    #[inline]
    fn new(generation: Generation, bucket: u64) -> Self {
        let lap = (bucket / BUCKETS as u64) & LAP_MASK;
        Self((generation.0 & 0xFFFF) << LAP_BITS | lap)
    }

    #[inline]
    fn of(word: u64) -> Self {
        Self(word >> COUNT_BITS)
    }

    #[inline]
    fn word(self, count: u64) -> u64 {
        self.0 << COUNT_BITS | count
    }

    /// Whether this is a little later in the same generation. Laps go round, so one that seems far later is
    /// from long ago.
    #[inline]
    fn is_after(self, other: Self) -> bool {
        const LITTLE: u64 = 256;
        let ahead = self.0.wrapping_sub(other.0) & LAP_MASK;
        self.0 >> LAP_BITS == other.0 >> LAP_BITS && (1..=LITTLE).contains(&ahead)
    }
}

const LAP_BITS: u32 = 24;
const LAP_MASK: u64 = (1 << LAP_BITS) - 1;
const COUNT_BITS: u32 = 24;
const COUNT_MAX: u64 = (1 << COUNT_BITS) - 1;

#[inline]
fn count(word: u64) -> u64 {
    word & COUNT_MAX
}

/// Stays at 16 777 215 calls of one thread in one bucket, rather than spill into the stamp.
#[inline]
fn saturating_increment(word: u64) -> u64 {
    word + u64::from(count(word) != COUNT_MAX)
}
