use std::fmt;
use std::sync::Arc;

use buttress_core::budget::{
    Budget, BudgetConfig, BudgetRefusal, BudgetSnapshot, Cost, Reservation,
};
use buttress_core::retry::StopReason;
use buttress_core::{ConfigError, Name};
use buttress_metrics::BudgetSignals;
use buttress_shell::now;

/// A budget for retries and hedges: a limit on extra attempts, which several handles may share.
///
/// Each [`Retry`](crate::Retry) has its own budget, unless it is given another. Clones are cheap and share one
/// budget.
///
/// ```
/// use buttress_core::budget::BudgetConfig;
/// use buttress_retry::{Retry, RetryBudget, RetryConfig};
///
/// let budget = RetryBudget::new("upstream", BudgetConfig::default().ratio(0.1));
/// let reads = Retry::new("reads", RetryConfig::default()).budget(&budget);
/// let writes = Retry::new("writes", RetryConfig::default().attempts(2)).budget(&budget);
/// # let _ = (reads, writes);
/// println!("{:?}", budget.snapshot());
/// ```
#[derive(Clone)]
pub struct RetryBudget {
    shared: Arc<Shared>,
}

struct Shared {
    name: Name,
    budget: Budget,
    signals: BudgetSignals,
}

impl RetryBudget {
    /// Creates a budget. `name` is its label in metrics.
    ///
    /// # Panics
    ///
    /// If [`BudgetConfig::check`] rejects the configuration; the message names the field, its value and its bound.
    #[must_use]
    pub fn new(name: impl Into<Name>, config: BudgetConfig) -> Self {
        match Self::try_new(name, config) {
            Ok(budget) => budget,
            Err(error) => panic!("{error}"),
        }
    }

    /// Creates a budget, or returns an error if the configuration is invalid.
    ///
    /// # Errors
    ///
    /// If [`BudgetConfig::check`] rejects the configuration.
    pub fn try_new(name: impl Into<Name>, config: BudgetConfig) -> Result<Self, ConfigError> {
        let name = name.into();
        let budget = Budget::new(config, now())?;
        let signals = BudgetSignals::new(name.clone());
        Ok(Self {
            shared: Arc::new(Shared {
                name,
                budget,
                signals,
            }),
        })
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.shared.name.as_str()
    }

    /// Returns the balance and the counts of the budget.
    #[must_use]
    pub fn snapshot(&self) -> BudgetSnapshot {
        self.shared.budget.snapshot(now())
    }

    /// Replaces the configuration. Deposits and attempts in flight are kept.
    ///
    /// # Errors
    ///
    /// If [`BudgetConfig::check`] rejects the configuration, which is then not changed.
    pub fn reconfigure(&self, config: BudgetConfig) -> Result<(), ConfigError> {
        self.shared.budget.reconfigure(config, now())
    }

    #[inline]
    pub(crate) fn call_began(&self) {
        self.shared.budget.call_began();
    }

    #[inline]
    pub(crate) fn call_ended(&self) {
        self.shared.budget.call_ended();
    }

    /// Deposits for a successful call.
    #[inline]
    pub(crate) fn deposit(&self) {
        self.shared.budget.deposit(now());
    }

    /// Reserves an extra attempt, before any wait for it.
    pub(crate) fn reserve(&self, cost: Cost) -> Result<BudgetReservation, StopReason> {
        let reserved = self.shared.budget.reserve(cost, now());
        self.shared.show_balance();
        match reserved {
            Ok(reservation) => Ok(BudgetReservation {
                budget: self.clone(),
                reservation: Some(reservation),
                begun: false,
            }),
            Err(BudgetRefusal::Empty) => Err(StopReason::BudgetEmpty),
            Err(BudgetRefusal::InFlight) => Err(StopReason::BudgetInFlight),
        }
    }
}

impl Shared {
    fn show_balance(&self) {
        let snapshot = self.budget.snapshot(now());
        self.signals.show_balance(snapshot.balance as u64);
    }
}

impl fmt::Debug for RetryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryBudget")
            .field("name", &self.name())
            .field("snapshot", &self.snapshot())
            .finish()
    }
}

/// A reserved extra attempt. Dropped before it [begins](Self::begin), it is returned to the budget.
#[must_use = "dropping it returns it to the budget"]
pub(crate) struct BudgetReservation {
    budget: RetryBudget,
    /// `None` once settled.
    reservation: Option<Reservation>,
    begun: bool,
}

impl BudgetReservation {
    /// Spends the reservation: from now on the dependency has the load.
    pub(crate) fn begin(&mut self) {
        self.begun = true;
    }
}

impl Drop for BudgetReservation {
    fn drop(&mut self) {
        let Some(reservation) = self.reservation.take() else {
            return;
        };
        let shared = &self.budget.shared;
        if self.begun {
            shared.budget.finish(reservation);
        } else {
            shared.budget.refund(reservation, now());
            shared.show_balance();
        }
    }
}
