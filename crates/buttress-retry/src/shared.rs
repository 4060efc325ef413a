use std::fmt;

use buttress_core::{ConfigError, Guard, Lease, Name, Outcome, Report};
use buttress_metrics::{RetryEvent, RetrySignals};

use crate::settings::Settings;
use crate::usual::Usual;
use crate::{RetryBudget, RetryConfig};

/// The state that all layers of a retry share.
pub(crate) struct Shared {
    name: Name,
    settings: Settings,
    budget: RetryBudget,
    /// Whether the budget is the retry's own, and not a shared one.
    owns_budget: bool,
    usual: Usual,
    signals: RetrySignals,
}

impl Shared {
    /// Creates it with its own budget.
    pub(crate) fn new(name: Name, config: RetryConfig) -> Result<Self, ConfigError> {
        let budget = RetryBudget::try_new(name.clone(), config.budget.clone())?;
        Ok(Self {
            signals: RetrySignals::new(name.clone()),
            name,
            settings: Settings::new(config),
            budget,
            owns_budget: true,
            usual: Usual::default(),
        })
    }

    /// Returns a copy with a shared budget.
    pub(crate) fn with_budget(&self, budget: RetryBudget) -> Self {
        Self {
            signals: RetrySignals::new(self.name.clone()),
            name: self.name.clone(),
            settings: Settings::new(self.settings.config()),
            budget,
            owns_budget: false,
            usual: Usual::default(),
        }
    }

    pub(crate) fn name(&self) -> &Name {
        &self.name
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn budget(&self) -> &RetryBudget {
        &self.budget
    }

    pub(crate) fn signals(&self) -> &RetrySignals {
        &self.signals
    }

    /// The measured latency of attempts.
    pub(crate) fn usual(&self) -> &Usual {
        &self.usual
    }

    pub(crate) fn reconfigure(&self, config: RetryConfig) -> Result<(), ConfigError> {
        if self.owns_budget {
            self.budget.reconfigure(config.budget.clone())?;
        }
        self.settings.replace(config);
        Ok(())
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A call's reference to the shared state.
pub(crate) type SharedLease = Lease<Shared>;

/// A call in flight. If it is settled with a success, it deposits into the budget.
///
/// With the `Http` protocol, the response's body holds it.
#[derive(Debug)]
#[must_use = "dropping it ends the call"]
pub struct CallGuard {
    /// `None` once the call has ended.
    shared: Option<SharedLease>,
    /// Whether an attempt is in flight or awaited, which a drop cancels.
    attempting: bool,
}

impl CallGuard {
    #[inline]
    pub(crate) fn begin(shared: SharedLease) -> Self {
        shared.budget.call_began();
        Self {
            shared: Some(shared),
            attempting: true,
        }
    }

    /// The shared state, until the call ends.
    #[inline]
    pub(crate) fn shared(&self) -> Option<&Shared> {
        self.shared.as_deref()
    }

    /// Records the end of an attempt.
    #[inline]
    pub(crate) fn attempted(&mut self, outcome: Outcome) {
        self.attempting = false;
        if let Some(shared) = &self.shared {
            shared.signals.emit(RetryEvent::Attempted(outcome));
        }
    }

    /// Records that another attempt is awaited.
    pub(crate) fn goes_on(&mut self) {
        self.attempting = true;
    }

    #[cold]
    #[inline(never)]
    fn abandon(&mut self) {
        if let Some(shared) = self.shared.take() {
            shared.budget.call_ended();
            if self.attempting {
                shared.signals.emit(RetryEvent::Cancelled);
            }
        }
    }
}

impl Guard for CallGuard {
    #[inline]
    fn settle(&mut self, report: Report) {
        if let Some(shared) = &self.shared {
            if report.outcome == Outcome::Success {
                shared.budget.deposit();
            }
            shared.budget.call_ended();
            self.shared = None;
        }
    }
}

impl Drop for CallGuard {
    #[inline]
    fn drop(&mut self) {
        if self.shared.is_some() {
            self.abandon();
        }
    }
}
