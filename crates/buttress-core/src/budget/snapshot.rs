use std::time::Instant;

use super::{Budget, TOKEN};

/// What a budget has and has given, at one moment.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BudgetSnapshot {
    /// How many extra attempts are paid for: `floor` and `deposits`.
    pub balance: f64,
    /// How many of them by the floor.
    pub floor: f64,
    /// How many of them by successes.
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
    /// What the budget has `now`, and has given so far.
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> BudgetSnapshot {
        let at = self.origin.nanos_at(now);
        let mut ledger = self.lock();
        ledger.settle(&self.successes, at);
        let attempts = |sum: u64| sum as f64 / TOKEN as f64;
        let deposits = ledger.deposits();
        BudgetSnapshot {
            balance: attempts(ledger.floor.saturating_add(deposits)),
            floor: attempts(ledger.floor),
            deposits: attempts(deposits),
            calls_in_flight: self.calls.count(),
            extra_in_flight: ledger.extra,
            granted: ledger.granted,
            refused: ledger.refused,
        }
    }
}
