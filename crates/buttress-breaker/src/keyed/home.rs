use std::sync::{Arc, Weak};

use buttress_core::Name;

use super::breakers::Keyed;
use crate::Breaker;

/// The set and key of a breaker.
#[derive(Clone)]
pub(crate) struct Home {
    // Weak, because the map holds the breaker.
    keyed: Weak<Keyed>,
    key: Name,
}

impl Home {
    pub(super) fn new(keyed: &Arc<Keyed>, key: &str) -> Self {
        Self {
            keyed: Arc::downgrade(keyed),
            key: key.to_owned().into(),
        }
    }

    pub(crate) fn key(&self) -> &Name {
        &self.key
    }

    /// Ensures that an isolated breaker is the one for calls with its key.
    pub(crate) fn keep(&self, breaker: &Breaker) {
        if let Some(keyed) = self.keyed.upgrade() {
            keyed.keep(self.key.as_str(), breaker);
        }
    }
}
