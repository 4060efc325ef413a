use crate::{Criticality, Deadline};

/// The parameters of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WaitParams {
    /// The criticality.
    pub criticality: Criticality,
    /// The deadline of the response.
    pub deadline: Option<Deadline>,
}

/// The guarantee for waiters of one criticality, whatever the load of more critical ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QuotaHolder {
    /// The number of waiters that are served before all waiters without a guarantee.
    pub first: u64,
    /// The number of waiters that are not evicted.
    pub kept: u64,
}

/// A waiter's slot in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket {
    pub(super) index: u32,
    pub(super) generation: u32,
}
