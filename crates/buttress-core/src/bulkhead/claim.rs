use std::sync::Arc;

use super::Waiter;
use crate::StripeIndex;
use crate::shares::{Partition, Tenant};

/// Whose a call is, where that matters.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Claim {
    /// Nobody's: it is in the rest.
    #[default]
    None,
    Partition(Partition),
    /// It is counted from when it comes, whether it waits or is under way.
    Tenant(Tenant),
}

/// Somebody in a queue.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) waiter: Arc<Waiter>,
    pub(super) claim: Claim,
}

/// Whose the calls under way are. Their permits have the number of an entry.
#[derive(Debug, Default)]
pub(super) struct Claims {
    entries: Vec<Claim>,
    unused: Vec<u32>,
}

impl Claim {
    pub(super) fn partition(self) -> Partition {
        match self {
            Self::Partition(partition) => partition,
            Self::None | Self::Tenant(_) => Partition::REST,
        }
    }
}

impl Claims {
    /// Keeps a claim, under the number that is to be in the permit. There are a billion of them.
    pub(super) fn keep(&mut self, claim: Claim) -> Option<StripeIndex> {
        let entry = match self.unused.pop() {
            Some(entry) => {
                self.entries[entry as usize] = claim;
                entry
            }
            None => {
                let entry = u32::try_from(self.entries.len()).ok()?;
                StripeIndex::elsewhere(entry)?;
                self.entries.push(claim);
                entry
            }
        };
        StripeIndex::elsewhere(entry)
    }

    pub(super) fn take(&mut self, entry: u32) -> Claim {
        let claim = self.entries.get_mut(entry as usize).map(std::mem::take);
        self.unused.push(entry);
        claim.unwrap_or_default()
    }
}
