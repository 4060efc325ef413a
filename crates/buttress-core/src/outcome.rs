use std::time::Duration;

/// How one attempt ended, as a resilience rule sees it.
///
/// A call that was dropped before it ended has no outcome: it is cancelled, which is neither a
/// success nor a failure, and is expressed by dropping its guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The dependency responded. A `404` is a success: the dependency handled the request.
    Success,
    /// The dependency failed, in the way the kind names.
    Failure(FailureKind),
    /// The attempt does not count for the dependency: rejected locally, injected, or withdrawn.
    Ignored,
}

impl Outcome {
    /// Whether this is a failure of any kind.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Failure(_))
    }

    /// The outcome as a metric label: a closed set of `snake_case` words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure(kind) => kind.as_str(),
            Self::Ignored => "ignored",
        }
    }
}

/// How an attempt failed.
///
/// The set is complete on purpose: every rule must handle each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The dependency responded with an error (`500`, `INTERNAL`), or panicked.
    Error,
    /// There was no response in time.
    Timeout,
    /// The dependency rejected the call as too much load (`429`, `RESOURCE_EXHAUSTED`).
    Overload,
    /// There was no response: connection refused, reset, or a body that broke off.
    Transport,
}

impl FailureKind {
    /// The kind as a metric label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Timeout => "timeout",
            Self::Overload => "overload",
            Self::Transport => "transport",
        }
    }
}

/// The result of an attempt for the rules: its outcome, and how long the dependency told clients to wait, if it did
/// (`Retry-After`, `grpc-retry-pushback-ms`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// How the attempt ended.
    pub outcome: Outcome,
    /// How long the dependency told clients to wait.
    pub retry_after: Option<Duration>,
}

impl Report {
    /// A success.
    pub const SUCCESS: Self = Self::new(Outcome::Success);
    /// An attempt that does not count for the dependency.
    pub const IGNORED: Self = Self::new(Outcome::Ignored);

    /// A report without a hint.
    #[must_use]
    pub const fn new(outcome: Outcome) -> Self {
        Self {
            outcome,
            retry_after: None,
        }
    }

    /// A failure without a hint.
    #[must_use]
    pub const fn failure(kind: FailureKind) -> Self {
        Self::new(Outcome::Failure(kind))
    }

    /// The same report with a hint of how long to wait.
    #[must_use]
    pub const fn retry_after(mut self, hint: Option<Duration>) -> Self {
        self.retry_after = hint;
        self
    }
}

impl From<Outcome> for Report {
    fn from(outcome: Outcome) -> Self {
        Self::new(outcome)
    }
}
