use super::Ticket;
use crate::Reason;

/// A request began to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the displaced must be told"]
pub struct Enqueued<T> {
    /// With which it can be taken out again.
    pub ticket: Ticket,
    /// The evicted waiter, and why.
    pub displaced: Option<(T, Dropped)>,
}

/// Why a request may not wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueRefusal {
    /// The queue is full of requests that are served before it would be.
    Full,
    /// Its deadline leaves no time to be served.
    TooLate,
}

/// How a waiter leaves a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a waiter that leaves must be notified"]
pub enum Dequeued<T> {
    /// It is its turn.
    Served(T),
    /// It is not going to be served.
    Dropped(T, Dropped),
}

/// Why a waiter is not going to be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// The queue was full, and another is served before it.
    Evicted,
    /// The queue has not drained for an [interval](super::ControlledDelay), and it waited too long for that.
    Overloaded,
    /// It waited for the [longest wait](super::QueueConfig::max_wait).
    TimedOut,
    /// Its deadline leaves no time to be served any more.
    TooLate,
}

impl Dropped {
    /// The reason that its caller gets.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::Evicted | Self::Overloaded => Reason::QueueOverloaded,
            Self::TimedOut => Reason::QueueTimeout,
            Self::TooLate => Reason::DeadlineTooShort,
        }
    }
}
