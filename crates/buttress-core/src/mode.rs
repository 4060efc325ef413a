use std::fmt;

use crate::Ratio;

/// Whether a layer's rejections are enforced. One decision path serves all modes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Mode {
    /// The layer neither decides nor measures: calls pass unchanged.
    Off,
    /// The layer decides and measures, counts the calls that it would have rejected, and admits them.
    Shadow,
    /// Rejections are enforced.
    #[default]
    Enforce,
    /// Rejections are enforced for this share of calls and are shadowed for the rest. The share is stable: the
    /// same number is always on the same side, and raising the share only ever adds calls to it.
    EnforceFor(Ratio),
}

impl Mode {
    /// Whether a rejection is enforced for the call with this random number, which is evaluated only if needed.
    ///
    /// The number must be uniform over all 64-bit values: a hash of the call's identity, or the output of a generator.
    #[inline]
    pub fn is_enforced(self, random: impl FnOnce() -> u64) -> bool {
        match self {
            Self::Off | Self::Shadow => false,
            Self::Enforce => true,
            Self::EnforceFor(share) => share.includes(random()),
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Shadow => f.write_str("shadow"),
            Self::Enforce => f.write_str("enforce"),
            Self::EnforceFor(share) => write!(f, "enforce for {share}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raising_the_share_only_adds_calls() {
        let draws = (0..1_000_u64).map(|i| i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        for random in draws {
            let bound =
                (0..=100).map(|p| Mode::EnforceFor(Ratio::percent(p)).is_enforced(|| random));
            assert!(bound.is_sorted(), "random {random}");
        }
    }

    #[test]
    fn whole_modes_never_ask_for_a_draw() {
        for (mode, enforced) in [
            (Mode::Off, false),
            (Mode::Shadow, false),
            (Mode::Enforce, true),
        ] {
            assert_eq!(mode.is_enforced(|| panic!("not needed")), enforced);
        }
    }
}
