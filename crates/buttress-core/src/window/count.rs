use std::collections::VecDeque;

use super::history::{Counts, Mark};

/// The last calls, up to a number, in order. Only calls that failed or were slow are stored, each with its position;
/// successes only advance the position.
#[derive(Debug)]
pub(super) struct CountRing {
    size: u64,
    /// The number of calls recorded so far.
    total: u64,
    marked: VecDeque<(u64, Mark)>,
    sum: Counts,
}

impl CountRing {
    pub(super) fn new(size: u32) -> Self {
        Self {
            size: u64::from(size),
            total: 0,
            marked: VecDeque::new(),
            sum: Counts::default(),
        }
    }

    pub(super) fn push_successes(&mut self, calls: u64) {
        self.total += calls;
        self.evict();
    }

    pub(super) fn push(&mut self, mark: Mark) {
        if mark != Mark::default() {
            self.marked.push_back((self.total, mark));
        }
        self.sum.add(0, mark);
        self.total += 1;
        self.evict();
    }

    /// Pushes calls of which only the sums are known, spread evenly, up to the size of the window.
    pub(super) fn push_evenly(&mut self, counts: Counts) {
        let fitting = counts.calls.min(self.size);
        let of = |part: u64| {
            move |call: u64| u128::from(call) * u128::from(part) / u128::from(counts.calls)
        };
        let (failures, slow) = (of(counts.failures), of(counts.slow));
        // Bresenham's algorithm: a call is marked where the cumulative share passes a whole number.
        let first = counts.calls - fitting;
        for call in first..counts.calls {
            self.push(Mark {
                failed: failures(call + 1) > failures(call),
                slow: slow(call + 1) > slow(call),
            });
        }
    }

    /// Changes the size. Calls that left the old window are discarded, because a larger window would count them as
    /// successes.
    pub(super) fn resize(&mut self, size: u32) {
        let forgotten = self.total.saturating_sub(self.size);
        self.total -= forgotten;
        for (place, _) in &mut self.marked {
            *place -= forgotten;
        }
        self.size = u64::from(size);
        self.evict();
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            calls: self.total.min(self.size),
            ..self.sum
        }
    }

    fn evict(&mut self) {
        let oldest = self.total.saturating_sub(self.size);
        while let Some(&(place, mark)) = self.marked.front() {
            if place >= oldest {
                break;
            }
            self.marked.pop_front();
            self.sum.failures -= u64::from(mark.failed);
            self.sum.slow -= u64::from(mark.slow);
        }
    }
}
