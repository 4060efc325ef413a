use super::BulkheadConfig;
use crate::Mode;

/// The part of a configuration that a call reads before it takes the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flags(pub(super) u64);

/// The mode is `Off`.
const OFF: u64 = 1;
/// Rejections are enforced for a share of calls.
const PARTIAL: u64 = 1 << 1;
/// Calls are counted by owner.
const SHARED: u64 = 1 << 2;

impl Flags {
    pub(super) fn new(config: &BulkheadConfig) -> Self {
        let mode = match config.mode {
            Mode::Off => OFF,
            Mode::EnforceFor(_) => PARTIAL,
            Mode::Enforce | Mode::Shadow => 0,
        };
        let shared = if config.is_shared() { SHARED } else { 0 };
        Self(mode | shared)
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
}
