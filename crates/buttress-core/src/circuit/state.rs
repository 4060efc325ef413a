use std::fmt;
use std::time::Duration;

/// The state of a circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CircuitState {
    /// Admits every call and watches.
    Closed,
    /// Admits a few probes and waits for their verdict.
    HalfOpen,
    /// Rejects every call, by an operator's decision.
    Isolated,
    /// Rejects every call until its time is over.
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

/// A step from one state to another, for the shell to announce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// The state that was left.
    pub from: CircuitState,
    /// The state that was entered.
    pub to: CircuitState,
    /// What made the circuit move.
    pub cause: Cause,
    /// For how long the circuit stays open, where it was opened.
    pub open_for: Option<Duration>,
}

/// What made a circuit move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Too many failures in a row.
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
    /// The circuit was half-open for too long without a verdict.
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
