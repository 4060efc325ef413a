use std::time::Duration;

use buttress_core::budget::{BudgetConfig, Cost};
use buttress_core::retry::RetryRule;
use buttress_core::{Backoff, ConfigError, FailureKind, Mode};

/// How calls are tried again.
///
/// | field | default | meaning |
/// |---|---|---|
/// | [`attempts`](Self::attempts) | 3 | attempts at a call, with the first |
/// | [`backoff`](Self::backoff) | full jitter from 50 ms to 5 s | the wait before each retry |
/// | [`max_retry_after`](Self::max_retry_after) | 10 s | the longest wait that the dependency may ask for |
/// | [`attempt_timeout`](Self::attempt_timeout) | none | how long each attempt may take |
/// | [`expected_attempt_time`](Self::expected_attempt_time) | as observed | how much time must be left for an attempt to begin |
/// | [`replay_limit`](Self::replay_limit) | 64 KiB | how much of a request's body is kept |
/// | [`budget`](Self::budget) | [`BudgetConfig::default`] | what retries may come to in all |
/// | [`timeout_cost`](Self::timeout_cost) | 2 attempts | what a retry after a timeout costs of the budget |
/// | [`mode`](Self::mode) | [`Mode::Enforce`] | whether calls are tried again, or only counted |
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
    /// The longest that an attempt may be allowed to take.
    pub const MAX_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

    /// Attempts at a call, with the first: 1 never tries again. At most [`RetryRule::MAX_ATTEMPTS`].
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.rule.attempts = attempts;
        self
    }

    /// The wait before each retry.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.rule.backoff = backoff;
        self
    }

    /// The longest wait that the dependency may ask for, by `Retry-After`, `grpc-retry-pushback-ms` or a rejection.
    /// A shorter one is obeyed, with the backoff's first wait on top; at a longer one the call fails.
    #[must_use]
    pub fn max_retry_after(mut self, longest: Duration) -> Self {
        self.rule.max_retry_after = longest;
        self
    }

    /// How long each attempt may take, until the head of its response is there. It ends as a timeout then, and
    /// may be followed by another. Over HTTP the body has no timeout: it is the caller's already.
    ///
    /// It sets a timer for each call that is not answered at once. Without a runtime there are no timers; then a late
    /// attempt ends when it is next polled. An inner breaker has to know of it: see its `attempt_timeout`.
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.attempt_timeout = timeout.into();
        self
    }

    /// The time that must be left before the deadline, after the backoff, for another attempt to start. `None` is as
    /// measured: the 95th percentile of the latency of recent successes, or the longest attempt of the same call,
    /// whichever is longer.
    #[must_use]
    pub fn expected_attempt_time(mut self, takes: impl Into<Option<Duration>>) -> Self {
        self.rule.expected_attempt_time = takes.into();
        self
    }

    /// How many bytes of a request's body are kept for another attempt. A request with a longer body is sent, and
    /// not tried again.
    #[must_use]
    pub fn replay_limit(mut self, bytes: usize) -> Self {
        self.replay_limit = bytes;
        self
    }

    /// What retries may come to in all. A handle that [shares](crate::Retry::budget) the budget of another does
    /// not look at it.
    #[must_use]
    pub fn budget(mut self, budget: BudgetConfig) -> Self {
        self.budget = budget;
        self
    }

    /// What a retry after a timeout costs of the budget. Every other costs one attempt; this one more, because
    /// what timed out is probably still being worked on.
    #[must_use]
    pub fn timeout_cost(mut self, cost: Cost) -> Self {
        self.timeout_cost = cost;
        self
    }

    /// Whether calls are tried again. In shadow it is decided and counted, and paid for, and not done.
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
