use std::time::Duration;

use crate::Backoff;
use crate::ConfigError;

/// The number of attempts of a call, the waits between them, and the time that must remain for another attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryRule {
    /// The maximum number of attempts, including the first.
    pub attempts: u32,
    /// The wait before each retry.
    pub backoff: Backoff,
    /// The longest wait that the dependency may request.
    pub max_retry_after: Duration,
    /// The time that must remain until the deadline for another attempt. `None` uses the observed latency.
    pub expected_attempt_time: Option<Duration>,
}

impl Default for RetryRule {
    fn default() -> Self {
        Self {
            attempts: 3,
            backoff: Backoff::default(),
            max_retry_after: Duration::from_secs(10),
            expected_attempt_time: None,
        }
    }
}

impl RetryRule {
    /// The largest number of attempts.
    pub const MAX_ATTEMPTS: u32 = 100;

    /// Rejects invalid values.
    ///
    /// # Errors
    ///
    /// No attempts, or more than [`MAX_ATTEMPTS`](Self::MAX_ATTEMPTS); a `max_retry_after` above
    /// [`Backoff::MAX_CAP`]; what [`Backoff::check`] rejects.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !(1..=Self::MAX_ATTEMPTS).contains(&self.attempts) {
            let bound = format!("from 1 to {}", Self::MAX_ATTEMPTS);
            return Err(ConfigError::new("attempts", self.attempts, bound));
        }
        if self.max_retry_after > Backoff::MAX_CAP {
            let bound = format!("at most {:?}", Backoff::MAX_CAP);
            let value = format!("{:?}", self.max_retry_after);
            return Err(ConfigError::new("max_retry_after", value, bound));
        }
        self.backoff.check()
    }
}
