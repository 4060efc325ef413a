use std::time::Instant;

use super::BUCKETS;
use super::kind::Window;
use super::tick::{Memo, Slot};
use crate::stripe;
use crate::sync::{AtomicU64, Ordering};

/// Counts the calls of a window that succeeded in time. Each thread counts in its own stripe, without a lock, and a
/// read adds the stripes up.
///
/// Each count carries a stamp of the window's generation and of the lap of its bucket. A count with an outdated stamp
/// is empty. So a reset and the passing of time have nothing to erase, and a writer that was suspended during either
/// cannot add to later counts.
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

/// Identifies the period between two resets of a window, so that late writers are detected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generation(u64);

impl Generation {
    /// The generation as the version of a [remembered](Successes::remember) tick.
    #[inline]
    pub(crate) fn version(self) -> u64 {
        self.0
    }
}

impl Successes {
    /// Creates an empty window.
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

    /// Returns the current generation. Read it before checking that the call still belongs to the current period: then
    /// [`add`](Self::add) does not count a call if a reset happens in between.
    #[inline]
    pub fn generation(&self) -> Generation {
        Generation(self.generation.load(Ordering::Acquire))
    }

    /// Counts one call that ended at `at` nanoseconds.
    #[inline]
    pub fn add(&self, generation: Generation, at: u64) {
        let bucket = at / self.bucket_nanos.load(Ordering::Relaxed);
        let mine = Stamp::new(generation, bucket);
        let stripe = &self.stripes[stripe::current(self.stripes.len())];
        let slot = &stripe.0[bucket as usize % BUCKETS];
        // Acquire pairs with the release below: a thread that reads a count of a later generation must then also read
        // that generation, and stop.
        let mut word = slot.load(Ordering::Acquire);
        loop {
            let found = Stamp::of(word);
            let next = if found == mine {
                saturating_increment(word)
            } else if found.is_after(mine) || self.generation() != generation {
                // This thread was suspended for a whole window or during a reset, so its call is no longer in the
                // window.
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

    /// Returns the slot of a call that began and ended at these times, if this thread remembers it for this `version`
    /// of the window.
    #[inline]
    pub(crate) fn slot_of(&self, version: u64, began: Instant, ended: Instant) -> Option<Slot> {
        self.memo.recall(version, began, ended)
    }

    /// Remembers the slot of calls that begin and end around `now`, which is `at` nanoseconds, within at most `longest`
    /// nanoseconds of each other.
    ///
    /// The slot is valid for this `version` only, which must change with each restart. `generation` must have been read
    /// before `version` and `now`.
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
        // If the window was changed meanwhile, these parts may not belong together.
        if generation == self.generation() {
            self.memo
                .remember(version, slot, (bucket, longest), now, at);
        }
    }

    /// Returns the slot in which this thread counts the calls of the bucket that contains `at` nanoseconds.
    fn slot(&self, generation: Generation, at: u64) -> Slot {
        let bucket = at / self.bucket_nanos();
        Slot {
            stripe: stripe::current(self.stripes.len()) as u32,
            index: (bucket % BUCKETS as u64) as u32,
            empty: Stamp::new(generation, bucket).word(0),
        }
    }

    /// Counts one call in a slot. Returns `false`, and counts nothing, if that takes more than an addition: the count
    /// is of another lap or generation, is full, or another thread is changing it.
    #[inline]
    pub(crate) fn add_to(&self, at: Slot) -> bool {
        let Some(stripe) = self.stripes.get(at.stripe as usize) else {
            return false;
        };
        let slot = &stripe.0[at.index as usize % BUCKETS];
        let word = slot.load(Ordering::Relaxed);
        // The stamp is the same and the count is not full. For any other word the difference is larger.
        word.wrapping_sub(at.empty) < COUNT_MAX
            && slot
                .compare_exchange(word, word + 1, Ordering::Release, Ordering::Relaxed)
                .is_ok()
    }

    /// The length of a bucket in nanoseconds.
    pub(crate) fn bucket_nanos(&self) -> u64 {
        self.bucket_nanos.load(Ordering::Relaxed)
    }

    /// The calls in the bucket with this number, or in a later one that replaced it because another thread's clock is
    /// ahead.
    pub(super) fn in_bucket(&self, bucket: u64) -> u64 {
        let wanted = Stamp::new(self.generation(), bucket);
        self.slots(bucket)
            .map(|slot| slot.load(Ordering::Acquire))
            .filter(|&word| Stamp::of(word) == wanted || Stamp::of(word).is_after(wanted))
            .map(count)
            .sum()
    }

    /// Removes the calls from the bucket with this number, and returns how many there were.
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

    /// Discards all calls, and counts in the buckets of `window` from now on. Must not be called concurrently.
    pub(crate) fn restart(&self, window: Window) {
        // The length is stored first: a thread that reads the new generation must read the new length. A call of the
        // old generation in a bucket of the new length is detected by its stamp.
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

/// The upper 40 bits of a count: 16 of the generation, 24 of the lap. A stamp repeats after 65 536 resets, or after 16
/// million windows without a call in that bucket.
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

    /// Whether this is at most 256 laps later in the same generation. Laps wrap around, so a much later one is an old
    /// one.
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

/// Adds one, up to 16 777 215 calls of one thread in one bucket, so that the count does not overflow into the stamp.
#[inline]
fn saturating_increment(word: u64) -> u64 {
    word + u64::from(count(word) != COUNT_MAX)
}
