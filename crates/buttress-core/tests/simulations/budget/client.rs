use std::collections::VecDeque;
use std::time::{Duration, Instant};

use buttress_core::budget::{Budget, BudgetConfig, Cost, Reservation};

/// A client's rule for retries. Each method gets the time in seconds.
pub(crate) trait Policy {
    fn call_began(&mut self, _: f64) {}
    /// An attempt succeeded, the first having the number 0.
    fn succeeded(&mut self, _: f64, _: u32) {}
    fn failed(&mut self, _: f64, _: u32) {}
    /// Whether a call whose attempt timed out has another one.
    fn retries(&mut self, now: f64) -> bool;
    /// A call ended without a success.
    fn gave_up(&mut self) {}
}

pub(crate) struct NoRetry;

impl Policy for NoRetry {
    fn retries(&mut self, _: f64) -> bool {
        false
    }
}

/// Retries without a budget.
pub(crate) struct Unpaid;

impl Policy for Unpaid {
    fn retries(&mut self, _: f64) -> bool {
        true
    }
}

/// Finagle's `RetryBudget`: each call deposits 0.2 of a retry for ten seconds, and the reserve has ten a second.
#[derive(Default)]
pub(crate) struct Finagle {
    deposits: VecDeque<f64>,
    /// The retries made in the last ten seconds, by their times.
    withdrawn: VecDeque<f64>,
}

impl Policy for Finagle {
    fn call_began(&mut self, now: f64) {
        self.deposits.push_back(now);
    }

    fn retries(&mut self, now: f64) -> bool {
        for times in [&mut self.deposits, &mut self.withdrawn] {
            while times.front().is_some_and(|at| now - at > 10.0) {
                times.pop_front();
            }
        }
        let balance = 0.2 * self.deposits.len() as f64 + 100.0 - self.withdrawn.len() as f64;
        let granted = balance >= 1.0;
        if granted {
            self.withdrawn.push_back(now);
        }
        granted
    }
}

/// gRPC's `retryThrottling` (proposal A6): a failure takes a token of ten, a success returns 0.1, and calls are retried
/// while there are more than five.
pub(crate) struct Grpc(f64);

impl Default for Grpc {
    fn default() -> Self {
        Self(10.0)
    }
}

impl Policy for Grpc {
    fn succeeded(&mut self, _: f64, _: u32) {
        self.0 = (self.0 + 0.1).min(10.0);
    }

    fn failed(&mut self, _: f64, _: u32) {
        self.0 = (self.0 - 1.0).max(0.0);
    }

    fn retries(&mut self, _: f64) -> bool {
        self.0 > 5.0
    }
}

/// Envoy's `retry_budget`: retries in flight are at most a fifth of the calls in flight, or three.
#[derive(Default)]
pub(crate) struct Envoy {
    calls: f64,
    retries: f64,
}

impl Policy for Envoy {
    fn call_began(&mut self, _: f64) {
        self.calls += 1.0;
    }

    fn succeeded(&mut self, _: f64, attempt: u32) {
        self.retries -= f64::from(attempt.min(1));
        self.calls -= 1.0;
    }

    fn failed(&mut self, _: f64, attempt: u32) {
        self.retries -= f64::from(attempt.min(1));
    }

    fn retries(&mut self, _: f64) -> bool {
        let granted = self.retries < (0.2 * self.calls).max(3.0);
        self.retries += f64::from(u8::from(granted));
        granted
    }

    fn gave_up(&mut self) {
        self.calls -= 1.0;
    }
}

/// The standard retry mode of the AWS SDKs: a bucket of 500 tokens, of which a retry after a timeout takes ten. A first
/// attempt that succeeds returns one, a retry its cost.
pub(crate) struct Aws(f64);

impl Default for Aws {
    fn default() -> Self {
        Self(500.0)
    }
}

impl Policy for Aws {
    fn succeeded(&mut self, _: f64, attempt: u32) {
        let returned = if attempt == 0 { 1.0 } else { 10.0 };
        self.0 = (self.0 + returned).min(500.0);
    }

    fn retries(&mut self, _: f64) -> bool {
        let granted = self.0 >= 10.0;
        self.0 -= if granted { 10.0 } else { 0.0 };
        granted
    }
}

/// The budget under test, used as `buttress-retry` does.
pub(crate) struct Ours {
    budget: Budget,
    origin: Instant,
    reserved: Vec<Reservation>,
    cost: Cost,
}

impl Ours {
    pub(crate) fn new() -> Self {
        Self::with(BudgetConfig::default())
    }

    /// A rate instead of a share, as in Finagle.
    pub(crate) fn with_floor() -> Self {
        Self::with(
            BudgetConfig::default()
                .floor_ratio(0.0)
                .floor_per_second(10),
        )
    }

    pub(crate) fn with_floor_ratio(ratio: f64) -> Self {
        Self::with(BudgetConfig::default().floor_ratio(ratio))
    }

    /// Only calls pay, and a retry costs one.
    pub(crate) fn floor_only(ratio: f64) -> Self {
        let config = BudgetConfig::default().ratio(0.0).floor_ratio(ratio);
        Self {
            cost: Cost::ONE,
            ..Self::with(config.in_flight_share(None))
        }
    }

    fn with(config: BudgetConfig) -> Self {
        let origin = Instant::now();
        Self {
            budget: Budget::new(config, origin).expect("a valid configuration"),
            origin,
            reserved: Vec::new(),
            cost: Cost::thousandths(2_000),
        }
    }

    fn at(&self, now: f64) -> Instant {
        self.origin + Duration::from_secs_f64(now)
    }

    /// Ends a retry. It does not matter which.
    fn ended(&mut self, attempt: u32) {
        if attempt > 0
            && let Some(reservation) = self.reserved.pop()
        {
            self.budget.finish(reservation);
        }
    }
}

impl Policy for Ours {
    fn call_began(&mut self, _: f64) {
        self.budget.call_began();
    }

    fn succeeded(&mut self, now: f64, attempt: u32) {
        self.ended(attempt);
        self.budget.deposit(self.at(now));
        self.budget.call_ended();
    }

    fn failed(&mut self, _: f64, attempt: u32) {
        self.ended(attempt);
    }

    fn retries(&mut self, now: f64) -> bool {
        let before = self.reserved.len();
        let granted = self.budget.reserve(self.cost, self.at(now));
        self.reserved.extend(granted);
        self.reserved.len() > before
    }

    fn gave_up(&mut self) {
        self.budget.call_ended();
    }
}
