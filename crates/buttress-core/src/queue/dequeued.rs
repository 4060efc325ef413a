use super::Ticket;
use crate::Reason;

/// The result of adding a waiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the displaced must be told"]
pub struct Enqueued<T> {
    /// Identifies the waiter, to remove it.
    pub ticket: Ticket,
    /// The evicted waiter, and why.
    pub displaced: Option<(T, Dropped)>,
}

/// Why a request may not wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueRefusal {
    /// The queue is full of requests that are served first.
    Full,
    /// The deadline leaves too little time.
    TooLate,
}

/// How a waiter leaves a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a waiter that leaves must be notified"]
pub enum Dequeued<T> {
    /// The waiter is served.
    Served(T),
    /// The waiter is not served.
    Dropped(T, Dropped),
}

/// Why a waiter is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// The queue was full, and another request took the slot.
    Evicted,
    /// The queue has not drained for an [interval](super::ControlledDelay), and the request waited for too long.
    Overloaded,
    /// The request waited for the [longest wait](super::QueueConfig::max_wait).
    TimedOut,
    /// The deadline leaves too little time.
    TooLate,
}

impl Dropped {
    /// The reason of the rejection.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::Evicted | Self::Overloaded => Reason::QueueOverloaded,
            Self::TimedOut => Reason::QueueTimeout,
            Self::TooLate => Reason::DeadlineTooShort,
        }
    }
}
