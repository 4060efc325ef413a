use std::fmt;

/// Why a failed call was not retried.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StopReason {
    /// The maximum number of attempts was made.
    AttemptsExhausted,
    /// The request's body failed while it was sent, or another attempt still reads it.
    BodyLost,
    /// The request's body is larger than the replay limit.
    BodyTooLarge,
    /// The retry budget has no deposit left for another attempt.
    BudgetEmpty,
    /// Too many extra attempts are in flight already.
    BudgetInFlight,
    /// Another attempt would not end before the deadline.
    DeadlineTooShort,
    /// The dependency requests a longer wait than is allowed.
    RetryAfterTooLong,
    /// There is no runtime with timers for the wait.
    NoTimer,
    /// The request is not known to be idempotent.
    NotIdempotent,
    /// The service did not become ready for another attempt within the timeout of an attempt.
    NotReady,
    /// Another attempt would fail for the same reason.
    NotRetryable,
    /// A layer of Buttress rejected the attempt, in a way that holds for every attempt.
    Rejected,
    /// The dependency forbids a retry.
    Forbidden,
}

impl StopReason {
    /// Every reason.
    pub const ALL: [Self; 13] = [
        Self::AttemptsExhausted,
        Self::BodyLost,
        Self::BodyTooLarge,
        Self::BudgetEmpty,
        Self::BudgetInFlight,
        Self::DeadlineTooShort,
        Self::RetryAfterTooLong,
        Self::NoTimer,
        Self::NotIdempotent,
        Self::NotReady,
        Self::NotRetryable,
        Self::Rejected,
        Self::Forbidden,
    ];

    /// The reason as a metric label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AttemptsExhausted => "attempts_exhausted",
            Self::BodyLost => "body_lost",
            Self::BodyTooLarge => "body_too_large",
            Self::BudgetEmpty => "budget_empty",
            Self::BudgetInFlight => "budget_in_flight",
            Self::DeadlineTooShort => "deadline_too_short",
            Self::RetryAfterTooLong => "retry_after_too_long",
            Self::NoTimer => "no_timer",
            Self::NotIdempotent => "not_idempotent",
            Self::NotReady => "not_ready",
            Self::NotRetryable => "not_retryable",
            Self::Rejected => "rejected",
            Self::Forbidden => "forbidden",
        }
    }

    /// Whether the call could be retried, and this layer has used up its retries. A caller further up should then not
    /// retry either, because it would repeat all of these attempts.
    #[must_use]
    pub const fn spends_retries(self) -> bool {
        match self {
            Self::AttemptsExhausted
            | Self::BudgetEmpty
            | Self::BudgetInFlight
            | Self::DeadlineTooShort
            | Self::NotReady
            | Self::RetryAfterTooLong
            | Self::Forbidden => true,
            Self::BodyLost
            | Self::BodyTooLarge
            | Self::NoTimer
            | Self::NotIdempotent
            | Self::NotRetryable
            | Self::Rejected => false,
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AttemptsExhausted => "all attempts are spent",
            Self::BodyLost => "the body cannot be sent again",
            Self::BodyTooLarge => "the body is too large to be kept",
            Self::BudgetEmpty => "the retry budget is empty",
            Self::BudgetInFlight => "too many retries are in flight",
            Self::DeadlineTooShort => "the deadline leaves too little time",
            Self::RetryAfterTooLong => "the dependency requests too long a wait",
            Self::NoTimer => "there is no runtime to time the wait",
            Self::NotIdempotent => "the request is not known to be idempotent",
            Self::NotReady => "the service is not ready in time",
            Self::NotRetryable => "another attempt would fail as well",
            Self::Rejected => "a layer below refused",
            Self::Forbidden => "the dependency forbids a retry",
        })
    }
}
