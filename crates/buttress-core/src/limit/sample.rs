use std::time::Duration;

use crate::{FailureKind, Outcome};

/// The result of one call, as recorded by a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    pub(super) rtt: Duration,
    pub(super) in_flight: u64,
    pub(super) at_limit: bool,
    pub(super) dropped: bool,
}

impl Sample {
    /// A successful call that took `rtt`, and was the `in_flight`th call in flight when it began, itself included.
    #[must_use]
    pub const fn success(rtt: Duration, in_flight: u64) -> Self {
        Self {
            rtt,
            in_flight,
            at_limit: false,
            dropped: false,
        }
    }

    /// The sample of a call with this outcome. `None` for errors that may be immediate, because their time is not that
    /// of a call, and for ignored calls. Overload and timeouts count towards a lower limit.
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

    /// Sets whether the limit was reached when the call began: it took the last slot, or had waited for one. Only then
    /// did the limit determine the number in flight, and not the load.
    #[must_use]
    pub const fn at_limit(mut self, at_limit: bool) -> Self {
        self.at_limit = at_limit;
        self
    }
}

/// A call that is recorded individually.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) sample: Sample,
    /// When the call ended, in nanoseconds.
    pub(super) at: u64,
    /// The number of calls that the sample represents.
    pub(super) every: u64,
    /// Whether other calls were rejected because no slot was free, since the window began.
    pub(super) refused: bool,
}
