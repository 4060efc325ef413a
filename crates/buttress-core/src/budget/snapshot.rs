use std::time::Instant;

use super::{Budget, TOKEN};

/// A snapshot of a budget.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BudgetSnapshot {
    /// The balance in attempts: `floor` plus `deposits`.
    pub balance: f64,
    /// The part from the floor.
    pub floor: f64,
    /// The part that expires, from successes and calls.
    pub deposits: f64,
    /// The number of calls in flight.
    pub calls_in_flight: u64,
    /// The number of extra attempts that wait or are in flight.
    pub extra_in_flight: u64,
    /// How many extra attempts were granted since the budget was made, and not refunded.
    pub granted: u64,
    /// How many were rejected.
    pub refused: u64,
}

impl Budget {
    /// A snapshot, as of `now`.
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> BudgetSnapshot {
        let at = self.origin.nanos_at(now);
        let mut ledger = self.lock();
        let calls = self.calls.count();
        ledger.settle(&self.successes, calls, at);
        let attempts = |sum: u64| sum as f64 / TOKEN as f64;
        let deposits = ledger.deposits();
        BudgetSnapshot {
            balance: attempts(ledger.floor.saturating_add(deposits)),
            floor: attempts(ledger.floor),
            deposits: attempts(deposits),
            calls_in_flight: calls.in_flight,
            extra_in_flight: ledger.extra,
            granted: ledger.granted,
            refused: ledger.refused,
        }
    }
}
