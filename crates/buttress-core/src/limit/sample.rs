use std::time::Duration;

use crate::{FailureKind, Outcome};

/// How one call went, as a limit sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    pub(super) rtt: Duration,
    pub(super) in_flight: u64,
    pub(super) at_limit: bool,
    pub(super) dropped: bool,
}

impl Sample {
    /// A call that took `rtt` and was the `in_flight`th in flight when it began, itself included.
    #[must_use]
    pub const fn success(rtt: Duration, in_flight: u64) -> Self {
        Self {
            rtt,
            in_flight,
            at_limit: false,
            dropped: false,
        }
    }

    /// The sample of a call with this outcome, or none: what failed in an instant says nothing about how long
    /// calls take, and what was ignored says nothing at all. Overload and timeouts count towards a lower limit.
    #[must_use]
    pub fn of(outcome: Outcome, rtt: Duration, in_flight: u64) -> Option<Self> {
        let sample = Self::success(rtt, in_flight);
        match outcome {
            Outcome::Success => Some(sample),
            Outcome::Failure(FailureKind::Overload | FailureKind::Timeout) => Some(Self {
                dropped: true,
                ..sample
            }),
            Outcome::Failure(FailureKind::Error | FailureKind::Transport) | Outcome::Ignored => {
                None
            }
        }
    }

    /// The same call, which found the limit reached when it began: it took the last slot, or had waited for one. Only
    /// then did the limit determine the number in flight, and not the load.
    #[must_use]
    pub const fn at_limit(mut self, at_limit: bool) -> Self {
        self.at_limit = at_limit;
        self
    }
}

/// A call that is looked at by itself.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) sample: Sample,
    /// When, in nanoseconds.
    pub(super) at: u64,
    /// For how many calls the sample stands.
    pub(super) every: u64,
    /// Whether other calls were rejected for want of a slot, since the window began.
    pub(super) refused: bool,
}
