use std::fmt;

use buttress_core::bulkhead::{Bulkhead as Rule, BulkheadConfig};
use buttress_core::{ConfigError, Name, Striped};
use buttress_shell::{Limiter, now, random};

use crate::BulkheadSnapshot;
use crate::shared::{Shared, SharedStripes};

/// A limit on calls in flight: the slots that its layers share, and the operations for operators.
///
/// Clones are cheap and share their state. See the [crate docs](crate).
#[derive(Clone)]
pub struct Bulkhead {
    shared: SharedStripes,
}

impl Bulkhead {
    /// Creates a bulkhead. `name` is its label in metrics, events and rejections.
    ///
    /// # Panics
    ///
    /// If [`BulkheadConfig::check`] rejects the configuration; the message names the field, its value and its bound.
    /// Use [`try_new`](Self::try_new) for configurations that are not written in the code.
    #[must_use]
    pub fn new(name: impl Into<Name>, config: BulkheadConfig) -> Self {
        match Self::try_new(name, config) {
            Ok(bulkhead) => bulkhead,
            Err(error) => panic!("{error}"),
        }
    }

    /// Creates a bulkhead, or returns an error if the configuration is invalid.
    ///
    /// # Errors
    ///
    /// If [`BulkheadConfig::check`] rejects the configuration.
    pub fn try_new(name: impl Into<Name>, config: BulkheadConfig) -> Result<Self, ConfigError> {
        let rule = Rule::with_seed(config, random(), now())?;
        let shared = Shared::new(name.into(), rule);
        Ok(Self {
            shared: Striped::with(shared, Shared::stripe),
        })
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.shared.name().as_str()
    }

    /// Returns a snapshot: calls in flight, calls waiting.
    #[must_use]
    pub fn snapshot(&self) -> BulkheadSnapshot {
        BulkheadSnapshot {
            name: self.shared.name().clone(),
            bulkhead: self.shared.rule().snapshot(now()),
        }
    }

    /// Returns the configuration.
    #[must_use]
    pub fn config(&self) -> BulkheadConfig {
        self.shared.rule().config()
    }

    /// Replaces the configuration. Calls in flight and waiters are kept. If the limit is lowered below the number in
    /// flight, no call is admitted until enough of them have ended; if it is raised, waiters are admitted. Calls that
    /// were admitted while the mode was off are not counted.
    ///
    /// # Errors
    ///
    /// If [`BulkheadConfig::check`] rejects the configuration, which is then not changed.
    pub fn reconfigure(&self, config: BulkheadConfig) -> Result<(), ConfigError> {
        let rule = self.shared.rule();
        rule.reconfigure(config, now())?;
        self.shared.show_limit();
        self.shared.open().set_patience(rule.reader_idle());
        Ok(())
    }

    #[inline]
    pub(crate) fn shared(&self) -> &SharedStripes {
        &self.shared
    }
}

impl fmt::Debug for Bulkhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let snapshot = self.snapshot();
        f.debug_struct("Bulkhead")
            .field("name", &self.name())
            .field("limit", &snapshot.limit)
            .field("in_flight", &snapshot.in_flight)
            .field("queued", &snapshot.queued)
            .finish_non_exhaustive()
    }
}
