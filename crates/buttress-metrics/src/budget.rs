use buttress_core::Name;

use crate::meter::{Gauge, GaugeDelta, Labels, Meter, Registrar};
use crate::names;

/// The signals of one retry budget.
///
/// Dropping it removes its balance from the gauge.
#[derive(Debug)]
pub struct BudgetSignals {
    layer: Name,
    balance: GaugeDelta,
    meter: Meter<BudgetHandles>,
}

impl BudgetSignals {
    /// Creates the signals of the budget with the name `layer`.
    #[must_use]
    pub fn new(layer: Name) -> Self {
        let signals = Self {
            layer,
            balance: GaugeDelta::new(0),
            meter: Meter::new(),
        };
        signals.handles();
        signals
    }

    /// Sets the gauge of the extra attempts left in the budget, after a withdrawal.
    pub fn show_balance(&self, attempts: u64) {
        self.balance
            .set(i64::try_from(attempts).unwrap_or(i64::MAX));
        if let Some(handles) = self.handles() {
            self.balance.show(&handles.balance);
        }
    }

    fn handles(&self) -> Option<&BudgetHandles> {
        self.meter
            .handles()
            .or_else(|| self.meter.find(Some(&self.layer), BudgetHandles::register))
    }
}

impl Drop for BudgetSignals {
    fn drop(&mut self) {
        if let Some(handles) = self.meter.handles() {
            self.balance.clear();
            self.balance.show(&handles.balance);
        }
    }
}

#[derive(Debug)]
struct BudgetHandles {
    balance: Gauge,
}

impl BudgetHandles {
    fn register(registrar: &Registrar<'_>) -> Self {
        let [balance] = registrar.gauges(&names::RETRY_BUDGET_BALANCE, [()], |()| Labels::new());
        Self { balance }
    }
}
