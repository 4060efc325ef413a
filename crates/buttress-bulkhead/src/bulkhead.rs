use std::fmt;

use buttress_core::bulkhead::{Bulkhead as Rule, BulkheadConfig};
use buttress_core::{ConfigError, Name, Striped};
use buttress_shell::{Limiter, now, random};

use crate::BulkheadSnapshot;
use crate::shared::{Shared, SharedStripes};

/// A limit on calls in flight: the slots that its layers share, and the handle for operators.
///
/// Cloning it is cheap, and all clones are one bulkhead. See the [crate docs](crate).
#[derive(Clone)]
pub struct Bulkhead {
    shared: SharedStripes,
}

impl Bulkhead {
    /// A bulkhead called `name`, which is how it appears in metrics, events and rejections.
    ///
    /// # Panics
    ///
    /// If [`BulkheadConfig::check`] rejects the configuration; the message names the field, its value and its
    /// bound. [`try_new`](Self::try_new) is for configurations that are not written in the code.
    #[must_use]
    pub fn new(name: impl Into<Name>, config: BulkheadConfig) -> Self {
        match Self::try_new(name, config) {
            Ok(bulkhead) => bulkhead,
            Err(error) => panic!("{error}"),
        }
    }

    /// A bulkhead called `name`, unless its configuration cannot work.
    ///
    /// # Errors
    ///
    /// What [`BulkheadConfig::check`] rejects.
    pub fn try_new(name: impl Into<Name>, config: BulkheadConfig) -> Result<Self, ConfigError> {
        let rule = Rule::with_seed(config, random(), now())?;
        let shared = Shared::new(name.into(), rule);
        Ok(Self {
            shared: Striped::with(shared, Shared::stripe),
        })
    }

    /// The name it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        self.shared.name().as_str()
    }

    /// A snapshot: calls in flight, calls waiting.
    #[must_use]
    pub fn snapshot(&self) -> BulkheadSnapshot {
        BulkheadSnapshot {
            name: self.shared.name().clone(),
            bulkhead: self.shared.rule().snapshot(now()),
        }
    }

    /// The configuration in force.
    #[must_use]
    pub fn config(&self) -> BulkheadConfig {
        self.shared.rule().config()
    }

    /// Takes a new configuration. Calls in flight and waiters stay. If the limit is lowered below the number in flight,
    /// no call is admitted until enough of them have ended; if it is raised, waiters are admitted. Calls that were
    /// admitted while the mode was off are not counted.
    ///
    /// # Errors
    ///
    /// What [`BulkheadConfig::check`] rejects; then nothing changes.
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
