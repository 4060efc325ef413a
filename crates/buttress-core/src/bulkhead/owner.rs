use std::sync::Arc;

use super::{Permit, WaitCell};
use crate::Criticality;
use crate::shares::{Partition, Tenant};

/// The owner of a call, where owners are counted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Owner {
    /// Not counted by owner.
    #[default]
    None,
    /// Counted by criticality.
    Class(Criticality),
    Partition(Partition),
    /// Counted by tenant from its arrival, whether it waits or is in flight.
    Tenant(Tenant),
}

/// A waiter in a queue.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) cell: Arc<WaitCell>,
    pub(super) claim: Owner,
}

/// In-flight requests by owner; a permit stores the index of its entry.
#[derive(Debug, Default)]
pub(super) struct Claims {
    entries: Vec<Owner>,
    unused: Vec<u32>,
}

impl Owner {
    pub(super) fn partition(self) -> Partition {
        match self {
            Self::Partition(partition) => partition,
            Self::None | Self::Class(_) | Self::Tenant(_) => Partition::REST,
        }
    }
}

impl Claims {
    /// Adds an entry, and returns the permit with its index.
    pub(super) fn keep(&mut self, claim: Owner) -> Option<Permit> {
        if let Some(entry) = self.unused.pop() {
            self.entries[entry as usize] = claim;
            return Permit::with_claim(entry);
        }
        let permit = Permit::with_claim(u32::try_from(self.entries.len()).ok()?)?;
        self.entries.push(claim);
        Some(permit)
    }

    pub(super) fn take(&mut self, entry: u32) -> Owner {
        let claim = self.entries.get_mut(entry as usize).map(std::mem::take);
        self.unused.push(entry);
        claim.unwrap_or_default()
    }
}
