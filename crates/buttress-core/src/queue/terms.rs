use crate::{Criticality, Deadline};

/// On which terms somebody waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terms {
    /// How much it matters.
    pub criticality: Criticality,
    /// By when its answer is wanted.
    pub deadline: Option<Deadline>,
}

/// What those of one criticality have for certain, whatever others want that matter more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Entitled {
    /// So many of them go before all who have nothing for certain.
    pub first: u64,
    /// So many of them may wait, and make room for nobody.
    pub kept: u64,
}

/// Somebody's place in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket {
    pub(super) index: u32,
    pub(super) generation: u32,
}
