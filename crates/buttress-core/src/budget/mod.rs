//! One budget for all extra attempts: retries, hedges and probes.
//!
//! Every success deposits a share of an attempt, and every extra attempt withdraws a whole one, or more by its
//! [cost](Cost). A floor deposits a small share for every call, whatever its result. Unspent deposits expire. Besides
//! the rate, the number of extra attempts at one time is bounded as a share of the calls in flight.
//!
//! # Why successes pay, and not calls
//!
//! A budget with a deposit per *call* sustains the overload that it should end. Let `c` be the capacity, `o` the load
//! without retries and `r` the ratio. Once every call times out, nothing succeeds, every call deposits `r` retries, and
//! the dependency sees `o·(1 + r)`. It catches up only if that is less than `c`: so **a per-call budget of ratio `r`
//! never recovers from an overload while `o` exceeds `c/(1 + r)`**, although without retries it would, for every `o`
//! below `c`. A ratio of 20 % takes a sixth of the capacity away. With a deposit per success, there is no deposit while
//! nothing succeeds, the load falls to `o` plus the floor, and a load below the capacity recovers.
//!
//! # Why the floor is a share of the calls
//!
//! Without a floor, a client could not retry until a call of it succeeds. A floor of a rate is spent by each client
//! whatever it sends: of a hundred clients with ten retries a second each, it is a load of its own of a thousand calls a
//! second. A floor of a share `f` of the calls is a budget per call, so an overload ends while `o` is below `c/(1 + f)`,
//! from one client as from a thousand, and `f` can be small because it pays only where nothing succeeds. What a client
//! with few calls needs is that its share does not expire before it amounts to an attempt: two attempts of it do not.
//!
//! # Where this comes from
//!
//! Deposits that expire are the shape of Finagle's `RetryBudget`, the share in flight that of Envoy's
//! `retry_budget`, the costs that of the AWS SDKs' standard retry mode. Unlike theirs the sums are exact: what
//! is deposited is spent, refunded or expired once, on however many threads, and after any idle time at the same
//! cost.

mod config;
mod in_flight;
mod ledger;
mod reserve;
mod snapshot;

use std::time::Instant;

pub use config::BudgetConfig;
pub use reserve::{BudgetRefusal, Cost, Reservation};
pub use snapshot::BudgetSnapshot;

use self::in_flight::InFlight;
use self::ledger::Ledger;
use crate::ConfigError;
use crate::sync::{Mutex, MutexGuard, lock};
use crate::time::Origin;
use crate::window::{BUCKETS, Successes};

/// The budget for all extra attempts.
///
/// A call that succeeds takes no lock and writes to no memory that another processor writes to. An extra attempt
/// takes one short lock to begin, and one to end.
///
/// ```
/// use std::time::{Duration, Instant};
/// use buttress_core::budget::{Budget, BudgetConfig, BudgetRefusal, Cost};
///
/// # fn main() -> Result<(), buttress_core::ConfigError> {
/// let now = Instant::now();
/// let config = BudgetConfig::default().ratio(0.5).floor_ratio(0.0);
/// let budget = Budget::new(config, now)?;
///
/// budget.deposit(now);
/// assert_eq!(budget.reserve(Cost::ONE, now), Err(BudgetRefusal::Empty));
/// budget.deposit(now);
/// let retry = budget.reserve(Cost::ONE, now).expect("two successes paid for it");
/// budget.finish(retry);
///
/// budget.deposit(now);
/// budget.deposit(now);
/// assert_eq!(budget.snapshot(now).balance, 1.0);
/// assert_eq!(budget.snapshot(now + Duration::from_secs(10)).balance, 0.0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Budget {
    origin: Origin,
    calls: InFlight,
    successes: Successes,
    ledger: Mutex<Ledger>,
}

/// One attempt. Sums are kept in billionths of one, so that every ratio is paid to nine decimals.
const TOKEN: u64 = 1_000_000_000;

impl Budget {
    /// A budget whose clock starts `now`. It has two attempts of the floor to begin with, if there is a floor.
    ///
    /// # Errors
    ///
    /// What [`BudgetConfig::check`] rejects.
    pub fn new(config: BudgetConfig, now: Instant) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self {
            origin: Origin::new(now),
            calls: InFlight::new(),
            successes: Successes::new(config.window()),
            ledger: Mutex::new(Ledger::new(config)),
        })
    }

    /// Records that a call begins, for the ratio in flight. It is one call, however many attempts it makes.
    #[inline]
    pub fn call_began(&self) {
        self.calls.begin();
    }

    /// A call that [began](Self::call_began) has ended, with any result.
    #[inline]
    pub fn call_ended(&self) {
        self.calls.end();
    }

    /// Deposits for a call that succeeded.
    #[inline]
    pub fn deposit(&self, now: Instant) {
        // Nearly all calls end in the same bucket as the last one of their thread.
        let version = self.successes.generation().version();
        let slot = self.successes.slot_of(version, now, now);
        if !slot.is_some_and(|slot| self.successes.add_to(slot)) {
            self.deposit_slowly(now);
        }
    }

    #[cold]
    #[inline(never)]
    fn deposit_slowly(&self, now: Instant) {
        let at = self.origin.nanos_at(now);
        self.deposit_at(at);
        let generation = self.successes.generation();
        self.successes
            .remember(generation, generation.version(), u64::MAX, now, at);
    }

    /// Deposits for a call that succeeded `at` nanoseconds.
    #[inline]
    pub(crate) fn deposit_at(&self, at: u64) {
        self.successes.add(self.successes.generation(), at);
    }

    /// Takes another configuration. Deposits stay unless they would have expired by the new [`ttl`](BudgetConfig::ttl),
    /// and extra attempts in flight stay in flight. Where the `ttl` changes, a success recorded at the same moment on
    /// another thread may not be credited.
    ///
    /// # Errors
    ///
    /// What [`BudgetConfig::check`] rejects; then nothing changes.
    pub fn reconfigure(&self, config: BudgetConfig, now: Instant) -> Result<(), ConfigError> {
        config.check()?;
        let at = self.origin.nanos_at(now);
        let mut ledger = self.lock();
        ledger.settle(&self.successes, self.calls.count(), at);
        ledger.reconfigure(config, &self.successes);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }
}
