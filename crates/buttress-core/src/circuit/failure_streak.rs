use crate::sync::{AtomicU64, Ordering};

/// The number of consecutive failures, within one epoch.
///
/// A success resets the streak, without a write if it is empty.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct FailureStreak(AtomicU64);

const LENGTH: u64 = 0xFFFF_FFFF;

impl Default for FailureStreak {
    fn default() -> Self {
        Self(AtomicU64::new(0))
    }
}

impl FailureStreak {
    /// Resets the streak after a success, if it is of this epoch.
    #[inline]
    pub(super) fn end(&self, epoch: u64) {
        if self.0.load(Ordering::Acquire) & LENGTH != 0 {
            self.end_running(epoch);
        }
    }

    #[cold]
    fn end_running(&self, epoch: u64) {
        let mut row = self.0.load(Ordering::Acquire);
        while row & LENGTH != 0 && row & !LENGTH == tag(epoch) {
            match self
                .0
                .compare_exchange_weak(row, tag(epoch), Ordering::AcqRel, Ordering::Acquire)
            {
                Ok(_) => return,
                // A failure was recorded in between, and the streak ends after it.
                Err(actual) => row = actual,
            }
        }
    }

    /// Records a failure, with the circuit's lock held, and returns the length of the streak.
    pub(super) fn grow(&self, epoch: u64) -> u32 {
        let mut row = self.0.load(Ordering::Acquire);
        loop {
            let length = if row & !LENGTH == tag(epoch) {
                row & LENGTH
            } else {
                0
            };
            let next = (length + 1).min(LENGTH);
            match self.0.compare_exchange_weak(
                row,
                tag(epoch) | next,
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => return next as u32,
                Err(actual) => row = actual,
            }
        }
    }

    pub(super) fn length(&self, epoch: u64) -> u32 {
        let row = self.0.load(Ordering::Acquire);
        if row & !LENGTH == tag(epoch) {
            (row & LENGTH) as u32
        } else {
            0
        }
    }
}

fn tag(epoch: u64) -> u64 {
    epoch << 32
}
