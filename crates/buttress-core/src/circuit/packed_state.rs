use super::state::CircuitState;
use crate::Mode;

/// The state of a circuit in one atomic word: the state, its modifiers, and the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PackedState(pub(super) u64);

const STATE: u64 = 0b11;
const CLOSED: u64 = 0;
const RECOVERING: u64 = 1;
const OPEN: u64 = 2;
const HALF_OPEN: u64 = 3;
/// An operator holds the circuit open.
const ISOLATED: u64 = 1 << 2;
/// The mode is `Off`.
const OFF: u64 = 1 << 3;
/// The mode is one in which rejections may not be enforced.
const LENIENT: u64 = 1 << 4;
const FLAGS: u64 = 0xFF;
const TAG_SHIFT: u32 = 8;
/// The revision of the configuration: it wraps around, and only distinguishes neighbours.
const REVISION_BITS: u32 = 12;
const REVISION: u64 = ((1 << REVISION_BITS) - 1) << TAG_SHIFT;
const EPOCH_SHIFT: u32 = TAG_SHIFT + REVISION_BITS;

/// The epoch and the revision of a word: records of a circuit are valid for one tag only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag(u64);

impl Tag {
    #[inline]
    pub(super) fn epoch(self) -> u64 {
        self.0 >> REVISION_BITS
    }

    /// As the version of what is remembered of a window.
    #[inline]
    pub(super) fn version(self) -> u64 {
        self.0
    }
}

impl PackedState {
    pub(super) fn new(mode: Mode) -> Self {
        Self(CLOSED).with_mode(mode)
    }

    /// Closed, and nothing to consider: the call is admitted.
    #[inline]
    pub(super) fn simply_closed(self) -> bool {
        self.0 & (STATE | ISOLATED | OFF) == CLOSED
    }

    /// Open, and nothing but the time to consider.
    #[inline]
    pub(super) fn simply_open(self) -> bool {
        self.0 & FLAGS == OPEN
    }

    #[inline]
    pub(super) fn tag(self) -> Tag {
        Tag(self.0 >> TAG_SHIFT)
    }

    #[inline]
    pub(super) fn epoch(self) -> u64 {
        self.0 >> EPOCH_SHIFT
    }

    pub(super) fn is_off(self) -> bool {
        self.0 & OFF != 0
    }

    pub(super) fn is_isolated(self) -> bool {
        self.0 & ISOLATED != 0
    }

    /// The state under any isolation.
    pub(super) fn underlying(self) -> CircuitState {
        match self.0 & STATE {
            CLOSED => CircuitState::Closed,
            RECOVERING => CircuitState::Recovering,
            OPEN => CircuitState::Open,
            _ => CircuitState::HalfOpen,
        }
    }

    /// The visible state.
    pub(super) fn state(self) -> CircuitState {
        if self.is_isolated() {
            CircuitState::Isolated
        } else {
            self.underlying()
        }
    }

    /// Another state under the same isolation, in the same epoch.
    pub(super) fn with_underlying(self, state: CircuitState) -> Self {
        let bits = match state {
            CircuitState::Closed | CircuitState::Isolated => CLOSED,
            CircuitState::Recovering => RECOVERING,
            CircuitState::Open => OPEN,
            CircuitState::HalfOpen => HALF_OPEN,
        };
        Self(self.0 & !STATE | bits)
    }

    pub(super) fn next_epoch(self) -> Self {
        Self(self.0.wrapping_add(1 << EPOCH_SHIFT))
    }

    pub(super) fn next_revision(self) -> Self {
        let next = self.0.wrapping_add(1 << TAG_SHIFT);
        Self(self.0 & !REVISION | next & REVISION)
    }

    pub(super) fn with_isolated(self, isolated: bool) -> Self {
        Self(self.0 & !ISOLATED | if isolated { ISOLATED } else { 0 })
    }

    pub(super) fn with_mode(self, mode: Mode) -> Self {
        let bits = match mode {
            Mode::Enforce => 0,
            Mode::Off => OFF | LENIENT,
            Mode::Shadow | Mode::EnforceFor(_) => LENIENT,
        };
        Self(self.0 & !(OFF | LENIENT) | bits)
    }
}
