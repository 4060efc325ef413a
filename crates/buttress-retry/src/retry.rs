use std::fmt;

use buttress_core::{ConfigError, Name, Striped};

use crate::shared::Shared;
use crate::{RetryBudget, RetryConfig};

/// Tries calls again: the configuration, the budget and the signals that its layers share.
///
/// Cloning it is cheap, and all clones are one. See the [crate docs](crate).
#[derive(Clone)]
pub struct Retry {
    shared: Striped<Shared>,
}

impl Retry {
    /// A retry called `name`, which is how it appears in metrics and events, and its budget with it.
    ///
    /// # Panics
    ///
    /// If [`RetryConfig::check`] rejects the configuration; the message names the field, its value and its bound.
    /// [`try_new`](Self::try_new) is for configurations that are not written in the code.
    #[must_use]
    pub fn new(name: impl Into<Name>, config: RetryConfig) -> Self {
        match Self::try_new(name, config) {
            Ok(retry) => retry,
            Err(error) => panic!("{error}"),
        }
    }

    /// A retry called `name`, unless its configuration cannot work.
    ///
    /// # Errors
    ///
    /// What [`RetryConfig::check`] rejects.
    pub fn try_new(name: impl Into<Name>, config: RetryConfig) -> Result<Self, ConfigError> {
        buttress_http::know_errors();
        config.check()?;
        Ok(Self {
            shared: Striped::new(Shared::new(name.into(), config)?),
        })
    }

    /// The same retry with the budget of another, so that what they do adds up. Layers that were made of it
    /// before keep the budget they have.
    #[must_use]
    pub fn budget(&self, budget: &RetryBudget) -> Self {
        Self {
            shared: Striped::new(self.shared.with_budget(budget.clone())),
        }
    }

    /// The name it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        self.shared.name().as_str()
    }

    /// The budget that it draws from.
    #[must_use]
    pub fn shared_budget(&self) -> &RetryBudget {
        self.shared.budget()
    }

    /// The configuration in force.
    #[must_use]
    pub fn config(&self) -> RetryConfig {
        self.shared.settings().config()
    }

    /// Takes a new configuration, for decisions from now on. Its budget takes the budget's part, unless it is the
    /// budget of another.
    ///
    /// # Errors
    ///
    /// What [`RetryConfig::check`] rejects; then nothing changes.
    pub fn reconfigure(&self, config: RetryConfig) -> Result<(), ConfigError> {
        config.check()?;
        self.shared.reconfigure(config)
    }

    pub(crate) fn shared(&self) -> &Striped<Shared> {
        &self.shared
    }
}

impl fmt::Debug for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("name", &self.name())
            .field("budget", self.shared.budget())
            .finish_non_exhaustive()
    }
}
