use std::fmt;
use std::time::Instant;

use super::{Budget, TOKEN};

/// The cost of an extra attempt.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cost(pub(super) u64);

/// The reservation of one extra attempt.
///
/// Settle it exactly once: [finish](Budget::finish) it if the attempt was made, and [refund](Budget::refund) it if not.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a reservation that is neither finished nor refunded counts as in flight for ever"]
pub struct Reservation(Cost);

/// Why a budget does not grant an extra attempt.
///
/// The set is complete: too many over time, or too many at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BudgetRefusal {
    /// Neither the deposits of successes nor the floor cover it.
    Empty,
    /// Too many extra attempts wait or are in flight.
    InFlight,
}

impl Cost {
    /// One attempt.
    pub const ONE: Self = Self(TOKEN);

    /// Thousandths of an attempt: a retry after a timeout may cost more than one, because it holds resources while it
    /// waits, and a retry after a refused connection less.
    #[must_use]
    pub const fn thousandths(thousandths: u32) -> Self {
        Self(thousandths as u64 * (TOKEN / 1_000))
    }
}

impl fmt::Debug for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} attempts", self.0 as f64 / TOKEN as f64)
    }
}

impl Budget {
    /// Reserves one extra attempt, if the balance suffices. Call it before the wait for the attempt: otherwise a
    /// thousand waiting attempts would all find the full balance.
    ///
    /// # Errors
    ///
    /// The reason; then nothing has changed.
    pub fn reserve(&self, cost: Cost, now: Instant) -> Result<Reservation, BudgetRefusal> {
        let at = self.origin.nanos_at(now);
        let mut ledger = self.lock();
        let calls = self.calls.count();
        ledger.settle(&self.successes, calls, at);
        ledger.reserve(cost, calls.in_flight)?;
        Ok(Reservation(cost))
    }

    /// Refunds a reservation for an attempt that was not made, because the wait was cancelled. The refund counts as
    /// deposited now.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "a reservation is settled once"
    )]
    pub fn refund(&self, reservation: Reservation, now: Instant) {
        let at = self.origin.nanos_at(now);
        let mut ledger = self.lock();
        ledger.settle(&self.successes, self.calls.count(), at);
        ledger.refund(reservation.0);
        ledger.finish();
    }

    /// Ends an extra attempt that was made. What it cost is spent.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "a reservation is settled once"
    )]
    pub fn finish(&self, reservation: Reservation) {
        let Reservation(_) = reservation;
        self.lock().finish();
    }
}
