use crate::{Criticality, Deadline};

/// The parameters of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WaitParams {
    /// How much it matters.
    pub criticality: Criticality,
    /// By when its answer is wanted.
    pub deadline: Option<Deadline>,
}

/// What is guaranteed to waiters of one criticality, whatever the load of more critical ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QuotaHolder {
    /// This many of them go before all waiters without a guarantee.
    pub first: u64,
    /// This many of them may wait, and are not evicted.
    pub kept: u64,
}

/// A waiter's slot in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket {
    pub(super) index: u32,
    pub(super) generation: u32,
}
