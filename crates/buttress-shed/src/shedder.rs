use std::fmt;

use buttress_core::shed::{Shed, ShedConfig};
use buttress_core::{ConfigError, Name, Pressure, Striped};
use buttress_shell::{Limiter, now, random};

use crate::ShedSnapshot;
use crate::shared::{Shared, SharedStripes};

/// A load shedder: the state that its layers share, and the operations for operators.
///
/// Clones are cheap and share their state. See the [crate docs](crate).
#[derive(Clone)]
pub struct Shedder {
    shared: SharedStripes,
}

impl Shedder {
    /// Creates a shedder. `name` is its label in metrics, events and rejections.
    ///
    /// # Panics
    ///
    /// If [`ShedConfig::check`] rejects the configuration; the message names the field, its value and its bound. Use
    /// [`try_new`](Self::try_new) for configurations that are not written in the code.
    #[must_use]
    pub fn new(name: impl Into<Name>, config: ShedConfig) -> Self {
        match Self::try_new(name, config) {
            Ok(shedder) => shedder,
            Err(error) => panic!("{error}"),
        }
    }

    /// Creates a shedder, or returns an error if the configuration is invalid.
    ///
    /// # Errors
    ///
    /// If [`ShedConfig::check`] rejects the configuration.
    pub fn try_new(name: impl Into<Name>, config: ShedConfig) -> Result<Self, ConfigError> {
        buttress_http::know_errors();
        let now = now();
        let rule = Shed::new(config, random(), now)?;
        let shared = Shared::new(name.into(), rule, now);
        Ok(Self {
            shared: Striped::with(shared, |shared, stripe| shared.rule().stripe(stripe)),
        })
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.shared.name().as_str()
    }

    /// Returns a snapshot: the limit, calls in flight, calls waiting.
    #[must_use]
    pub fn snapshot(&self) -> ShedSnapshot {
        ShedSnapshot {
            name: self.shared.name().clone(),
            shed: self.shared.rule().snapshot(now()),
        }
    }

    /// Returns the configuration.
    #[must_use]
    pub fn config(&self) -> ShedConfig {
        self.shared.rule().config()
    }

    /// Replaces the configuration. Calls in flight and waiters are kept. An adaptive limit keeps its value, within
    /// its new bounds; if it is below the number in flight, no call is admitted until enough of them have ended.
    ///
    /// # Errors
    ///
    /// What [`ShedConfig::check`] rejects, and another number of buckets for tenants than before; the configuration
    /// is then unchanged.
    pub fn reconfigure(&self, config: ShedConfig) -> Result<(), ConfigError> {
        let done = self.shared.rule().reconfigure(config, now());
        self.shared.show_limit();
        done
    }

    /// Records memory and processor pressure from your own measurement. The shedder's own measurement replaces it
    /// within a tenth of a second, unless the system cannot measure.
    pub fn update_pressure(&self, pressure: Pressure) {
        self.shared.update_pressure(pressure);
    }

    #[inline]
    pub(crate) fn shared(&self) -> &SharedStripes {
        &self.shared
    }
}

impl fmt::Debug for Shedder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let snapshot = self.snapshot();
        f.debug_struct("Shedder")
            .field("name", &self.name())
            .field("limit", &snapshot.limit.limit)
            .field("in_flight", &snapshot.in_flight)
            .field("queued", &snapshot.queued)
            .finish_non_exhaustive()
    }
}
