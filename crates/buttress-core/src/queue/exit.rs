use super::Ticket;
use crate::Reason;

/// Somebody began to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the displaced must be told"]
pub struct Pushed<T> {
    /// With which it can be taken out again.
    pub ticket: Ticket,
    /// Who had to make room for it, and why.
    pub displaced: Option<(T, Dropped)>,
}

/// Why somebody may not wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueRefusal {
    /// The queue is full of those who are served before it would be.
    Full,
    /// Its deadline leaves no time to be served.
    TooLate,
}

/// How somebody leaves a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "whoever leaves must be told"]
pub enum Exit<T> {
    /// It is its turn.
    Served(T),
    /// It is not going to be served.
    Dropped(T, Dropped),
}

/// Why somebody who waits is not going to be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// The queue was full, and another is served before it.
    Displaced,
    /// The queue has not drained for an [interval](super::ControlledDelay), and it waited too long for that.
    Overloaded,
    /// It waited for as long as anybody [may](super::QueueConfig::max_wait).
    TimedOut,
    /// Its deadline leaves no time to be served any more.
    TooLate,
}

impl Dropped {
    /// What its caller is told.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::Displaced | Self::Overloaded => Reason::QueueOverloaded,
            Self::TimedOut => Reason::QueueTimeout,
            Self::TooLate => Reason::DeadlineTooShort,
        }
    }
}
