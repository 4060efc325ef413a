use std::fmt;
use std::time::Duration;

/// The state of a circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CircuitState {
    /// Admits every call and records its outcome.
    Closed,
    /// Admits a limited number of probes, whose results close or reopen the circuit.
    HalfOpen,
    /// Rejects every call until an operator lifts the isolation.
    Isolated,
    /// Rejects every call until the open time is over.
    Open,
    /// Admits a growing share of calls after the probes succeeded.
    Recovering,
}

impl CircuitState {
    /// Every state, for gauges that must be set to 0 as well as to 1.
    pub const ALL: [Self; 5] = [
        Self::Closed,
        Self::HalfOpen,
        Self::Isolated,
        Self::Open,
        Self::Recovering,
    ];

    /// The state as a metric label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half_open",
            Self::Isolated => "isolated",
            Self::Open => "open",
            Self::Recovering => "recovering",
        }
    }
}

impl fmt::Display for CircuitState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A change of state. The caller reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// The previous state.
    pub from: CircuitState,
    /// The new state.
    pub to: CircuitState,
    /// The cause of the change.
    pub cause: Cause,
    /// How long the circuit stays open, if it was opened.
    pub open_for: Option<Duration>,
}

/// The cause of a change of state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Too many consecutive failures.
    ConsecutiveFailures,
    /// Too large a share of failures in the window.
    FailureRatio,
    /// An operator lifted or imposed isolation.
    Isolation,
    /// The open time is over.
    OpenElapsed,
    /// The probes failed.
    ProbesFailed,
    /// The probes succeeded.
    ProbesPassed,
    /// The ramp reached its end.
    RampDone,
    /// An operator reset the circuit.
    Reset,
    /// Too large a share of slow calls in the window.
    SlowCallRatio,
    /// The half-open time ended without a verdict.
    StayElapsed,
    /// An operator tripped the circuit.
    Trip,
}

impl Cause {
    /// The cause as a metric label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConsecutiveFailures => "consecutive_failures",
            Self::FailureRatio => "failure_ratio",
            Self::Isolation => "isolation",
            Self::OpenElapsed => "open_elapsed",
            Self::ProbesFailed => "probes_failed",
            Self::ProbesPassed => "probes_passed",
            Self::RampDone => "ramp_done",
            Self::Reset => "reset",
            Self::SlowCallRatio => "slow_call_ratio",
            Self::StayElapsed => "stay_elapsed",
            Self::Trip => "trip",
        }
    }
}
