use super::BulkheadConfig;
use crate::Mode;

/// What every call must know of a bulkhead, in one atomic word. It changes under the lock only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word(pub(super) u64);

/// The tokens are, or are being, gathered under the lock.
const SATURATED: u64 = 1;
/// The mode is `Off`.
const OFF: u64 = 1 << 1;
/// Refusals bind for a share of calls.
const PARTIAL: u64 = 1 << 2;
/// It matters whose a call is. There is no end to the shortage then.
const SHARED: u64 = 1 << 3;

impl Word {
    pub(super) fn new(config: &BulkheadConfig) -> Self {
        let mode = match config.mode {
            Mode::Off => OFF,
            Mode::EnforceFor(_) => PARTIAL,
            Mode::Enforce | Mode::Shadow => 0,
        };
        let shared = if config.is_shared() { SHARED } else { 0 };
        Self(mode | shared)
    }

    /// Whether tokens may be taken from the stripes, and put back there.
    #[inline]
    pub(super) fn is_striped(self) -> bool {
        self.0 & (SATURATED | OFF) == 0
    }

    #[inline]
    pub(super) fn is_saturated(self) -> bool {
        self.0 & SATURATED != 0
    }

    pub(super) fn is_off(self) -> bool {
        self.0 & OFF != 0
    }

    pub(super) fn is_partial(self) -> bool {
        self.0 & PARTIAL != 0
    }

    pub(super) fn is_shared(self) -> bool {
        self.0 & SHARED != 0
    }

    pub(super) fn saturated(self) -> Self {
        Self(self.0 | SATURATED)
    }

    pub(super) fn relaxed(self) -> Self {
        Self(self.0 & !SATURATED)
    }
}
