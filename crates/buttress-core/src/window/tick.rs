use std::cell::Cell;
use std::sync::atomic::AtomicU64 as StdAtomicU64;
use std::time::{Duration, Instant};

use crate::sync::Ordering;

/// A stretch of time that lies in one bucket of a window, so that of a call which ended in it is known where it counts.
///
/// Telling that an instant lies in it takes a comparison, where placing it in a bucket takes a subtraction, which std
/// does not inline, and a division.
#[derive(Clone, Copy)]
struct Tick {
    from: Instant,
    until: Instant,
    /// Where this thread counts the calls that end in it.
    slot: Slot,
}

/// The last tick that a thread saw of a window.
struct Recent {
    window: Cell<u64>,
    version: Cell<u64>,
    tick: Cell<Option<Tick>>,
}

thread_local! {
    /// Of a few windows, as a call may pass through more than one.
    static RECENT: [Recent; REMEMBERED] = const {
        [const {
            Recent {
                window: Cell::new(0),
                version: Cell::new(0),
                tick: Cell::new(None),
            }
        }; REMEMBERED]
    };
}

const REMEMBERED: usize = 8;

/// Longer ticks would save nothing, and every instant in one stays far from overflow.
const LONGEST: u64 = 3_600_000_000_000;

/// What each thread remembers of one window.
#[derive(Debug)]
pub(crate) struct Memo {
    /// Of all windows of the process.
    id: u64,
}

/// Where a thread counts the calls of one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) stripe: u32,
    pub(crate) index: u32,
    /// The word of a count of nothing.
    pub(crate) empty: u64,
}

impl Memo {
    pub(crate) fn new() -> Self {
        // std's also in a model: it is no part of what is modelled.
        static NEXT: StdAtomicU64 = StdAtomicU64::new(1);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Where a call counts that began and ended then, if both lie in one tick that this thread remembers of this
    /// `version` of the window.
    #[inline]
    pub(crate) fn recall(&self, version: u64, began: Instant, ended: Instant) -> Option<Slot> {
        RECENT.with(|recent| {
            let recent = &recent[self.id as usize % REMEMBERED];
            if recent.window.get() != self.id || recent.version.get() != version {
                return None;
            }
            match recent.tick.get() {
                Some(tick) if ended < tick.until && began >= tick.from => Some(tick.slot),
                _ => None,
            }
        })
    }

    /// Remembers where calls count in the tick that `now` lies in, which is `at` nanoseconds of the window's clock.
    /// The tick lies in one bucket, of `bucket` nanoseconds, and is no longer than `longest`.
    ///
    /// It is forgotten with the `version`, which must be another one after each restart.
    pub(crate) fn remember(
        &self,
        version: u64,
        slot: Slot,
        (bucket, longest): (u64, u64),
        now: Instant,
        at: u64,
    ) {
        let length = bucket.min(longest).min(LONGEST);
        // Before the origin of the clock no instant has a number of its own.
        if length == 0 || at == 0 {
            return;
        }
        let bucket_start = at / bucket * bucket;
        let gone = (at - bucket_start) % length;
        let left = (length - gone).min(bucket_start.saturating_add(bucket) - at);
        let from = now.checked_sub(Duration::from_nanos(gone));
        let until = now.checked_add(Duration::from_nanos(left));
        RECENT.with(|recent| {
            let recent = &recent[self.id as usize % REMEMBERED];
            recent.window.set(self.id);
            recent.version.set(version);
            let tick = from.zip(until);
            recent
                .tick
                .set(tick.map(|(from, until)| Tick { from, until, slot }));
        });
    }
}
