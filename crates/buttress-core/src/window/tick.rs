use std::cell::Cell;
use std::sync::atomic::AtomicU64 as StdAtomicU64;
use std::time::{Duration, Instant};

use crate::sync::Ordering;

/// A span of time that lies in one bucket of a window, and the slot of calls that end in it.
///
/// Checking whether an instant lies in a tick takes a comparison. Finding its bucket takes a division, and a
/// subtraction of instants, which std does not inline.
#[derive(Clone, Copy)]
struct Tick {
    from: Instant,
    until: Instant,
    /// The slot in which this thread counts the calls that end in the tick.
    slot: Slot,
}

/// The last tick of a thread in a window.
struct Recent {
    window: Cell<u64>,
    version: Cell<u64>,
    tick: Cell<Option<Tick>>,
}

thread_local! {
    /// One entry for each of a few windows, because a call may pass through more than one.
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

/// The longest tick: one hour, in nanoseconds. Longer ticks would save nothing, and all arithmetic on instants in one
/// stays far from overflow.
const LONGEST: u64 = 3_600_000_000_000;

/// The last tick of one window in each thread.
#[derive(Debug)]
pub(crate) struct Memo {
    /// Unique in the process.
    id: u64,
}

/// The counter in which a thread counts the calls of one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) stripe: u32,
    pub(crate) index: u32,
    /// The value of the counter without calls: the stamp and a count of 0.
    pub(crate) empty: u64,
}

impl Memo {
    pub(crate) fn new() -> Self {
        // The atomic of std also under loom, because this counter is not part of what is modelled.
        static NEXT: StdAtomicU64 = StdAtomicU64::new(1);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Returns the slot of a call that began and ended at these times, if both lie in one tick that this thread
    /// remembers for this `version` of the window.
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

    /// Remembers the slot of calls in the tick that contains `now`, which is `at` nanoseconds of the window's clock.
    /// The tick lies in one bucket of `bucket` nanoseconds, and is at most `longest` nanoseconds long.
    ///
    /// The tick is valid for this `version` only, which must change with each restart.
    pub(crate) fn remember(
        &self,
        version: u64,
        slot: Slot,
        (bucket, longest): (u64, u64),
        now: Instant,
        at: u64,
    ) {
        let length = bucket.min(longest).min(LONGEST);
        // All instants before the origin of the clock map to 0, so they have no tick.
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

#[cfg(all(test, not(buttress_loom)))]
mod tests {
    use super::*;

    const SLOT: Slot = Slot {
        stripe: 1,
        index: 2,
        empty: 3,
    };
    const HOUR: u64 = LONGEST;

    #[allow(clippy::disallowed_methods, reason = "some moment to begin at")]
    fn epoch() -> Instant {
        Instant::now()
    }

    #[test]
    fn a_tick_lies_in_its_bucket_and_is_no_longer_than_was_said() {
        for (at, bucket, longest, from, until) in [
            (2_400, 1_000, u64::MAX, 2_000, 3_000),
            (2_000, 1_000, u64::MAX, 2_000, 3_000),
            (2_999, 1_000, u64::MAX, 2_000, 3_000),
            (2_400, 1_000, 300, 2_300, 2_600),
            // The last tick of a bucket ends where the bucket ends.
            (2_950, 1_000, 300, 2_900, 3_000),
            (HOUR + 5, u64::MAX, u64::MAX, HOUR, 2 * HOUR),
        ] {
            let memo = Memo::new();
            let epoch = epoch();
            let moment = |nanos| epoch + Duration::from_nanos(nanos);
            memo.remember(7, SLOT, (bucket, longest), moment(at), at);
            let recall = |began, ended| memo.recall(7, moment(began), moment(ended));
            assert_eq!(recall(from, from), Some(SLOT), "{at}");
            assert_eq!(recall(from, until - 1), Some(SLOT), "{at}");
            assert_eq!(recall(from - 1, until - 1), None, "{at}");
            assert_eq!(recall(from, until), None, "{at}");
        }
    }

    #[test]
    fn a_tick_is_of_one_window_and_one_version_of_it() {
        let (memo, now) = (Memo::new(), epoch());
        memo.remember(7, SLOT, (1_000, u64::MAX), now, 500);
        assert_eq!(memo.recall(7, now, now), Some(SLOT));
        assert_eq!(memo.recall(8, now, now), None);
        // Windows that share the entry of this one do not match.
        for _ in 0..2 * REMEMBERED {
            assert_eq!(Memo::new().recall(7, now, now), None);
        }
    }

    #[test]
    fn there_is_no_tick_of_no_length_nor_before_the_clock_began() {
        let (memo, now) = (Memo::new(), epoch());
        memo.remember(7, SLOT, (1_000, 0), now, 500);
        assert_eq!(memo.recall(7, now, now), None);
        memo.remember(7, SLOT, (1_000, u64::MAX), now, 0);
        assert_eq!(memo.recall(7, now, now), None);
    }
}
