use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use buttress_core::hedge::HedgeDelay;
use buttress_core::{ConfigError, Name, Striped};
use buttress_metrics::HedgeSignals;
use buttress_shell::now;

use super::HedgeConfig;
use crate::RetryBudget;
use crate::settings::Share;

/// Makes a second attempt at slow calls, and returns the first response.
///
/// Clones are cheap and share their state. Only calls that may be processed twice are hedged, and only the slowest:
/// the delay follows from the extra load that is allowed.
///
/// ```
/// use buttress_core::Ratio;
/// use buttress_retry::{Hedge, HedgeConfig, HedgeLayer};
/// use tower::ServiceBuilder;
///
/// let hedge = Hedge::new("search", HedgeConfig::default().extra(Ratio::percent(2)));
/// let service = ServiceBuilder::new()
///     .layer(HedgeLayer::new(&hedge))
///     .service_fn(|query: &'static str| async move { Ok::<_, std::io::Error>(query.len()) });
/// # let _ = service;
/// ```
#[derive(Clone)]
pub struct Hedge {
    pub(super) shared: Striped<Shared>,
}

/// The state that all layers of a hedge share.
pub(crate) struct Shared {
    pub(super) delay: HedgeDelay,
    /// The ratio of calls to which the mode applies.
    pub(super) share: Share,
    /// The budget it draws from, besides its own share.
    pub(super) budget: Option<RetryBudget>,
    pub(super) signals: HedgeSignals,
    replay_limit: AtomicUsize,
    name: Name,
    /// The configuration from which the other fields are derived.
    config: Mutex<HedgeConfig>,
}

impl Hedge {
    /// Creates a hedge. `name` is its label in metrics and events.
    ///
    /// # Panics
    ///
    /// If [`HedgeConfig::check`] rejects the configuration; the message names the field, its value and its bound.
    #[must_use]
    pub fn new(name: impl Into<Name>, config: HedgeConfig) -> Self {
        match Self::try_new(name, config) {
            Ok(hedge) => hedge,
            Err(error) => panic!("{error}"),
        }
    }

    /// Creates a hedge, or returns an error if the configuration is invalid.
    ///
    /// # Errors
    ///
    /// If [`HedgeConfig::check`] rejects the configuration.
    pub fn try_new(name: impl Into<Name>, config: HedgeConfig) -> Result<Self, ConfigError> {
        buttress_http::know_errors();
        Self::assemble(name.into(), config, None)
    }

    /// Returns a hedge with the same configuration and no measurements, which also draws from `budget`, so that
    /// retries and hedges together stay within it.
    #[must_use]
    pub fn budget(&self, budget: &RetryBudget) -> Self {
        let assembled = Self::assemble(
            self.shared.name.clone(),
            self.config(),
            Some(budget.clone()),
        );
        assembled.unwrap_or_else(|_| self.clone())
    }

    fn assemble(
        name: Name,
        config: HedgeConfig,
        budget: Option<RetryBudget>,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            shared: Striped::new(Shared {
                delay: HedgeDelay::new(config.rule, now())?,
                share: Share::new(config.mode),
                budget,
                signals: HedgeSignals::new(name.clone()),
                replay_limit: AtomicUsize::new(config.replay_limit),
                name,
                config: Mutex::new(config),
            }),
        })
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.shared.name.as_str()
    }

    /// Returns the current delay before a second attempt, or `None` if there are too few calls.
    #[must_use]
    pub fn delay(&self) -> Option<Duration> {
        self.shared.delay.delay(now())
    }

    /// Returns the configuration.
    #[must_use]
    pub fn config(&self) -> HedgeConfig {
        self.shared.config()
    }

    /// Replaces the configuration. Measurements are kept, unless the window changes.
    ///
    /// # Errors
    ///
    /// If [`HedgeConfig::check`] rejects the configuration, which is then not changed.
    pub fn reconfigure(&self, config: HedgeConfig) -> Result<(), ConfigError> {
        let shared = &*self.shared;
        let mut current = shared.config.lock().unwrap_or_else(PoisonError::into_inner);
        shared.delay.reconfigure(config.rule, now())?;
        shared.share.set(config.mode);
        shared
            .replay_limit
            .store(config.replay_limit, Ordering::Relaxed);
        *current = config;
        Ok(())
    }
}

impl Shared {
    #[inline]
    pub(super) fn replay_limit(&self) -> usize {
        self.replay_limit.load(Ordering::Relaxed)
    }

    fn config(&self) -> HedgeConfig {
        let config = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        config.clone()
    }
}

impl fmt::Debug for Hedge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hedge")
            .field("name", &self.name())
            .field("delay", &self.delay())
            .finish_non_exhaustive()
    }
}
