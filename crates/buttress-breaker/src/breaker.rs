use std::fmt;

use buttress_core::circuit::{BreakerConfig, Circuit, CircuitState};
use buttress_core::{ConfigError, Name, Striped};
use buttress_metrics::BreakerSignals;
use buttress_shell::{now, random};

use crate::keyed::Home;
use crate::shared::Shared;
use crate::{BreakerSnapshot, Isolation};

/// A circuit breaker: the state that its layers share, and the operations for operators.
///
/// Clones are cheap and share their state. See the [crate docs](crate).
#[derive(Clone)]
pub struct Breaker {
    shared: Striped<Shared>,
}

impl Breaker {
    /// Creates a closed breaker. `name` is its label in metrics, events and rejections.
    ///
    /// # Panics
    ///
    /// If [`BreakerConfig::check`] rejects the configuration; the message names the field, its value and its bound.
    /// Use [`try_new`](Self::try_new) for configurations that are not written in the code.
    #[must_use]
    pub fn new(name: impl Into<Name>, config: BreakerConfig) -> Self {
        match Self::try_new(name, config) {
            Ok(breaker) => breaker,
            Err(error) => panic!("{error}"),
        }
    }

    /// Creates a closed breaker, or returns an error if the configuration is invalid.
    ///
    /// # Errors
    ///
    /// If [`BreakerConfig::check`] rejects the configuration.
    pub fn try_new(name: impl Into<Name>, config: BreakerConfig) -> Result<Self, ConfigError> {
        let name = name.into();
        let signals = BreakerSignals::new(name.clone());
        Self::with_signals(name, signals, config, None)
    }

    /// Creates the breaker of one key.
    pub(crate) fn for_key(
        name: Name,
        home: Home,
        config: BreakerConfig,
    ) -> Result<Self, ConfigError> {
        let signals = BreakerSignals::new(name.clone()).with_key(home.key().clone());
        Self::with_signals(name, signals, config, Some(home))
    }

    fn with_signals(
        name: Name,
        signals: BreakerSignals,
        config: BreakerConfig,
        home: Option<Home>,
    ) -> Result<Self, ConfigError> {
        buttress_http::know_errors();
        let circuit = Circuit::new(config, now())?;
        Ok(Self {
            shared: Striped::new(Shared::new(name, circuit, signals, home)),
        })
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.shared.name().as_str()
    }

    /// Returns the state of the circuit.
    #[must_use]
    pub fn state(&self) -> CircuitState {
        self.snapshot().state
    }

    /// Returns a snapshot of the circuit: state, counts, ratios, time to the next probe.
    #[must_use]
    pub fn snapshot(&self) -> BreakerSnapshot {
        BreakerSnapshot {
            name: self.shared.name().clone(),
            key: self.shared.key().cloned(),
            circuit: self.shared.circuit().snapshot(now()),
        }
    }

    /// Returns the configuration.
    #[must_use]
    pub fn config(&self) -> BreakerConfig {
        self.shared.circuit().config()
    }

    /// Replaces the configuration. The state, the counts and the calls in flight are kept.
    ///
    /// # Errors
    ///
    /// If [`BreakerConfig::check`] rejects the configuration, which is then not changed.
    pub fn reconfigure(&self, config: BreakerConfig) -> Result<(), ConfigError> {
        self.shared.circuit().reconfigure(config, now())?;
        self.shared.wake_all();
        Ok(())
    }

    /// Holds the circuit open until the returned guard is dropped. With several guards, the circuit stays open until
    /// the last is dropped. `why` is logged.
    #[must_use = "dropping the guard ends the isolation"]
    pub fn isolate(&self, why: &str) -> Isolation {
        let isolation = Isolation::new(self.shared.lease(), why);
        if let Some(home) = self.shared.home() {
            home.keep(self);
        }
        isolation
    }

    /// Opens the circuit, as failures do. If it is already open, its open time restarts.
    pub fn trip(&self) {
        let step = self.shared.circuit().trip(now(), random);
        self.shared.announce(step);
    }

    /// Closes the circuit, and clears its counts and its number of openings. It does not end an isolation.
    pub fn reset(&self) {
        let step = self.shared.circuit().reset(now());
        self.shared.announce(step);
    }

    /// Whether both are the same breaker.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.shared.ptr_eq(&other.shared)
    }

    pub(crate) fn shared(&self) -> &Striped<Shared> {
        &self.shared
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker")
            .field("name", &self.name())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
