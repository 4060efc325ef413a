use std::time::Duration;

use buttress_core::budget::{BudgetConfig, Cost};
use buttress_core::retry::RetryRule;
use buttress_core::{Backoff, ConfigError, FailureKind, Mode};

/// The configuration of a [`Retry`](crate::Retry).
///
/// | field | default | meaning |
/// |---|---|---|
/// | [`attempts`](Self::attempts) | 3 | the maximum number of attempts, including the first |
/// | [`backoff`](Self::backoff) | full jitter from 50 ms to 5 s | the wait before each retry |
/// | [`max_retry_after`](Self::max_retry_after) | 10 s | the longest wait that the dependency may request |
/// | [`attempt_timeout`](Self::attempt_timeout) | none | the timeout of each attempt |
/// | [`expected_attempt_time`](Self::expected_attempt_time) | measured | the time before the deadline that an attempt needs to start |
/// | [`replay_limit`](Self::replay_limit) | 64 KiB | the maximum length of a request body that is kept |
/// | [`budget`](Self::budget) | [`BudgetConfig::default`] | the limit on all retries |
/// | [`timeout_cost`](Self::timeout_cost) | 2 attempts | the cost of a retry after a timeout, in the budget |
/// | [`mode`](Self::mode) | [`Mode::Enforce`] | whether calls are retried, or retries only counted |
#[derive(Debug, Clone, PartialEq)]
pub struct RetryConfig {
    pub(crate) rule: RetryRule,
    pub(crate) attempt_timeout: Option<Duration>,
    pub(crate) replay_limit: usize,
    pub(crate) budget: BudgetConfig,
    pub(crate) timeout_cost: Cost,
    pub(crate) mode: Mode,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            rule: RetryRule::default(),
            attempt_timeout: None,
            replay_limit: 64 * 1024,
            budget: BudgetConfig::default(),
            timeout_cost: Cost::thousandths(2_000),
            mode: Mode::default(),
        }
    }
}

impl RetryConfig {
    /// The maximum of [`attempt_timeout`](Self::attempt_timeout).
    pub const MAX_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

    /// Sets the maximum number of attempts, including the first: 1 disables retries. At most
    /// [`RetryRule::MAX_ATTEMPTS`]. The default is 3.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.rule.attempts = attempts;
        self
    }

    /// Sets the wait before each retry.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.rule.backoff = backoff;
        self
    }

    /// Sets the longest wait that the dependency may request, by `Retry-After`, `grpc-retry-pushback-ms` or a
    /// rejection. A shorter wait is followed, plus the first wait of the backoff; if it is longer, the call fails.
    /// The default is 10 s.
    #[must_use]
    pub fn max_retry_after(mut self, longest: Duration) -> Self {
        self.rule.max_retry_after = longest;
        self
    }

    /// Sets the timeout of each attempt, up to the head of the response. An attempt that times out may be retried.
    /// Over HTTP the body has no timeout, because it has already been passed to the caller. There is none by default.
    ///
    /// An attempt after the first waits for the service's readiness at most as long, before its own timeout begins;
    /// then the call ends with [`StopReason::NotReady`](crate::StopReason::NotReady). The caller waits for the readiness
    /// for the first attempt, without a timeout.
    ///
    /// It sets a timer for each call that is pending after its first poll. Without a runtime there are no timers, and
    /// a late attempt ends when it is next polled. An inner breaker needs the same value: see its `attempt_timeout`.
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.attempt_timeout = timeout.into();
        self
    }

    /// Sets the time that must remain before the deadline, after the backoff, for another attempt to start. `None`,
    /// the default, uses the 95th percentile of the latency of recent successes, or the longest attempt of the same
    /// call, whichever is longer.
    #[must_use]
    pub fn expected_attempt_time(mut self, takes: impl Into<Option<Duration>>) -> Self {
        self.rule.expected_attempt_time = takes.into();
        self
    }

    /// Sets how many bytes of a request's body are kept for another attempt. A request with a longer body is sent
    /// once. The default is 64 KiB.
    #[must_use]
    pub fn replay_limit(mut self, bytes: usize) -> Self {
        self.replay_limit = bytes;
        self
    }

    /// Sets the limit on all retries. A handle that [shares](crate::Retry::budget) another budget ignores it.
    #[must_use]
    pub fn budget(mut self, budget: BudgetConfig) -> Self {
        self.budget = budget;
        self
    }

    /// Sets the cost of a retry after a timeout. Any other retry costs one attempt; this one costs more, because the
    /// dependency is probably still processing the attempt that timed out. The default is 2 attempts.
    #[must_use]
    pub fn timeout_cost(mut self, cost: Cost) -> Self {
        self.timeout_cost = cost;
        self
    }

    /// Sets whether calls are retried. In shadow, retries are decided, counted and paid for, but not made.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Rejects invalid values.
    ///
    /// # Errors
    ///
    /// What [`RetryRule::check`], [`Backoff::check`] and [`BudgetConfig::check`] reject; an `attempt_timeout` of
    /// zero or above [`MAX_ATTEMPT_TIMEOUT`](Self::MAX_ATTEMPT_TIMEOUT); a `timeout_cost` below one attempt.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.rule.check()?;
        self.budget.check()?;
        if let Some(timeout) = self.attempt_timeout
            && (timeout.is_zero() || timeout > Self::MAX_ATTEMPT_TIMEOUT)
        {
            let bound = format!("above 0 and at most {:?}", Self::MAX_ATTEMPT_TIMEOUT);
            return Err(ConfigError::new(
                "attempt_timeout",
                format!("{timeout:?}"),
                bound,
            ));
        }
        if self.timeout_cost < Cost::ONE {
            let value = format!("{:?}", self.timeout_cost);
            return Err(ConfigError::new(
                "timeout_cost",
                value,
                "at least one attempt",
            ));
        }
        Ok(())
    }

    /// What a retry costs after a failure of this kind.
    pub(crate) fn cost(&self, cause: FailureKind) -> Cost {
        match cause {
            FailureKind::Timeout => self.timeout_cost,
            FailureKind::Error | FailureKind::Overload | FailureKind::Transport => Cost::ONE,
        }
    }
}
