use std::fmt;

use buttress_core::shed::{Shed, ShedConfig};
use buttress_core::{ConfigError, Name, Pressure, Striped};
use buttress_shell::{Limiter, now, random};

use crate::ShedSnapshot;
use crate::shared::{Shared, SharedStripes};

/// A load shedder: what its layers share, and where operators reach in.
///
/// Cloning it is cheap, and all clones are one shedder. See the [crate docs](crate).
#[derive(Clone)]
pub struct Shedder {
    shared: SharedStripes,
}

impl Shedder {
    /// A shedder called `name`, which is how it appears in metrics, events and rejections.
    ///
    /// # Panics
    ///
    /// If [`ShedConfig::check`] rejects the configuration; the message names the field, its value and its bound.
    /// [`try_new`](Self::try_new) is for configurations that are not written in the code.
    #[must_use]
    pub fn new(name: impl Into<Name>, config: ShedConfig) -> Self {
        match Self::try_new(name, config) {
            Ok(shedder) => shedder,
            Err(error) => panic!("{error}"),
        }
    }

    /// A shedder called `name`, unless its configuration cannot work.
    ///
    /// # Errors
    ///
    /// What [`ShedConfig::check`] rejects.
    pub fn try_new(name: impl Into<Name>, config: ShedConfig) -> Result<Self, ConfigError> {
        buttress_http::know_errors();
        let now = now();
        let rule = Shed::new(config, random(), now)?;
        let shared = Shared::new(name.into(), rule, now);
        Ok(Self {
            shared: Striped::with(shared, |shared, stripe| shared.rule().stripe(stripe)),
        })
    }

    /// The name it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        self.shared.name().as_str()
    }

    /// A snapshot: the limit, calls in flight, calls waiting.
    #[must_use]
    pub fn snapshot(&self) -> ShedSnapshot {
        ShedSnapshot {
            name: self.shared.name().clone(),
            shed: self.shared.rule().snapshot(now()),
        }
    }

    /// The configuration in force.
    #[must_use]
    pub fn config(&self) -> ShedConfig {
        self.shared.rule().config()
    }

    /// Takes a new configuration. Calls in flight and waiters stay. An adaptive limit keeps its value, within its new
    /// bounds; below the number in flight, no call is admitted until enough of them have ended.
    ///
    /// # Errors
    ///
    /// What [`ShedConfig::check`] rejects, and another number of buckets for tenants than before; then nothing
    /// changes.
    pub fn reconfigure(&self, config: ShedConfig) -> Result<(), ConfigError> {
        let done = self.shared.rule().reconfigure(config, now());
        self.shared.show_limit();
        done
    }

    /// Records how short memory and processor time are, as measured by you. What the shedder measures itself
    /// replaces it at its next look, a tenth of a second later at most; where it can measure nothing, it stands.
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
