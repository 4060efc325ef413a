use std::fmt;

use buttress_core::{ConfigError, Name, Striped};

use crate::shared::Shared;
use crate::{RetryBudget, RetryConfig};

/// Retries calls: the configuration, the budget and the signals that its layers share.
///
/// Clones are cheap and share their state. See the [crate docs](crate).
#[derive(Clone)]
pub struct Retry {
    shared: Striped<Shared>,
}

impl Retry {
    /// Creates a retry with its own budget. `name` is its label in metrics and events.
    ///
    /// # Panics
    ///
    /// If [`RetryConfig::check`] rejects the configuration; the message names the field, its value and its bound. Use
    /// [`try_new`](Self::try_new) for configurations that are not written in the code.
    #[must_use]
    pub fn new(name: impl Into<Name>, config: RetryConfig) -> Self {
        match Self::try_new(name, config) {
            Ok(retry) => retry,
            Err(error) => panic!("{error}"),
        }
    }

    /// Creates a retry, or returns an error if the configuration is invalid.
    ///
    /// # Errors
    ///
    /// If [`RetryConfig::check`] rejects the configuration.
    pub fn try_new(name: impl Into<Name>, config: RetryConfig) -> Result<Self, ConfigError> {
        buttress_http::know_errors();
        config.check()?;
        Ok(Self {
            shared: Striped::new(Shared::new(name.into(), config)?),
        })
    }

    /// Returns the same retry with a shared budget, so that all its users together stay within it. Layers that were
    /// created before keep their budget.
    #[must_use]
    pub fn budget(&self, budget: &RetryBudget) -> Self {
        Self {
            shared: Striped::new(self.shared.with_budget(budget.clone())),
        }
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.shared.name().as_str()
    }

    /// Returns the budget.
    #[must_use]
    pub fn shared_budget(&self) -> &RetryBudget {
        self.shared.budget()
    }

    /// Returns the configuration.
    #[must_use]
    pub fn config(&self) -> RetryConfig {
        self.shared.settings().config()
    }

    /// Replaces the configuration, for decisions from now on. Its own budget is reconfigured too; a shared budget is
    /// not.
    ///
    /// # Errors
    ///
    /// If [`RetryConfig::check`] rejects the configuration, which is then not changed.
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
