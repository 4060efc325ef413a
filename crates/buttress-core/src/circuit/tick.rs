use std::cell::Cell;
use std::sync::atomic::AtomicU64 as StdAtomicU64;
use std::time::{Duration, Instant};

use super::Circuit;
use super::word::Tag;
use crate::sync::Ordering;
use crate::window::Slot;

/// A stretch of time in which a call needs no arithmetic on instants.
///
/// It lies in one bucket of the window and is no longer than the threshold for slow calls. So of a call that began and
/// ended in it is known where it counts, and that it was not slow. Telling that an instant lies in it takes a
/// comparison, where placing it in a bucket takes a subtraction, which std does not inline, and a division.
///
/// It is void once the circuit has another [`Tag`]: after each step and each new configuration.
#[derive(Clone, Copy)]
struct Tick {
    from: Instant,
    until: Instant,
    /// Where this thread counts the calls that end in it.
    slot: Slot,
}

/// The last tick that a thread saw of a circuit.
struct Recent {
    circuit: Cell<u64>,
    tag: Cell<Tag>,
    tick: Cell<Option<Tick>>,
}

thread_local! {
    /// Of a few circuits, as a call may pass through more than one.
    static RECENT: [Recent; REMEMBERED] = const {
        [const {
            Recent {
                circuit: Cell::new(0),
                tag: Cell::new(Tag::NONE),
                tick: Cell::new(None),
            }
        }; REMEMBERED]
    };
}

const REMEMBERED: usize = 8;

/// Longer ticks would save nothing, and every instant in one stays far from overflow.
const LONGEST: u64 = 3_600_000_000_000;

/// A number that no other circuit of the process has.
pub(super) fn new_id() -> u64 {
    // std's also in a model: it is no part of what is modelled.
    static NEXT: StdAtomicU64 = StdAtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Circuit {
    /// Where a call of this `tag` counts that was `granted` then and ends `now`, if both lie in one tick that this
    /// thread remembers.
    #[inline]
    pub(super) fn slot_of(&self, tag: Tag, granted: Instant, now: Instant) -> Option<Slot> {
        RECENT.with(|recent| {
            let recent = &recent[self.id as usize % REMEMBERED];
            if recent.circuit.get() != self.id || recent.tag.get() != tag {
                return None;
            }
            match recent.tick.get() {
                Some(tick) if now < tick.until && granted >= tick.from => Some(tick.slot),
                _ => None,
            }
        })
    }

    /// Remembers the tick that `now` lies in, which is `at` nanoseconds of the circuit's clock.
    pub(super) fn remember_tick(&self, now: Instant, at: u64) {
        let generation = self.successes.generation();
        let tag = self.word().tag();
        let bucket = self.successes.bucket_nanos();
        let slow_above = self.hot.slow_above.load(Ordering::Relaxed);
        let length = bucket.min(slow_above).min(LONGEST);
        // If anything was changed meanwhile, these parts may not belong together. And before the origin of the clock
        // no instant has a number of its own.
        if generation != self.successes.generation() || length == 0 || at == 0 {
            return;
        }
        let bucket_start = at / bucket * bucket;
        let gone = (at - bucket_start) % length;
        let left = (length - gone).min(bucket_start.saturating_add(bucket) - at);
        let from = now.checked_sub(Duration::from_nanos(gone));
        let until = now.checked_add(Duration::from_nanos(left));
        let slot = self.successes.slot(generation, at);
        RECENT.with(|recent| {
            let recent = &recent[self.id as usize % REMEMBERED];
            recent.circuit.set(self.id);
            recent.tag.set(tag);
            let tick = from.zip(until);
            recent
                .tick
                .set(tick.map(|(from, until)| Tick { from, until, slot }));
        });
    }
}
