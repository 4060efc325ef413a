use std::time::Duration;

use super::{Classification, RetryClass, RetryRule, Safety, StopReason};

/// The state of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Attempts that count against the limit and have ended.
    pub attempts: u32,
    /// Whether an attempt that was never processed has been retried without being counted.
    pub replaced: bool,
    /// The wait before the last attempt.
    pub waited: Duration,
    /// The duration of the longest attempt.
    pub longest: Duration,
}

/// The conditions for another attempt of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallTerms {
    /// Whether the request may be processed twice.
    pub safety: Safety,
    /// Whether it is known that the attempt was not processed. An error alone is no evidence.
    pub unprocessed: bool,
    /// Why the request cannot be sent again, if it cannot: a body that is too large, or was lost.
    pub unrepeatable: Option<StopReason>,
    /// The time that remains, if there is a deadline.
    pub remaining: Option<Duration>,
    /// The typical latency of calls, as observed.
    pub typical_latency: Duration,
}

/// The decision after an attempt has ended. `R` is what was reserved for the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision<R> {
    /// The attempt did not fail.
    Return,
    /// Another attempt is made after a wait.
    Retry {
        /// How long to wait.
        after: Duration,
        /// The reservation that the budget granted.
        paid: R,
    },
    /// The attempt failed, and is not retried.
    Stop(StopReason),
}

impl RetryRule {
    /// Decides whether a call is attempted again. `random` returns a uniform number, and `reserve` asks the budget:
    /// both are called only if everything else allows another attempt. The decision is recorded in `progress`.
    ///
    /// An attempt that was never processed is retried once per call, immediately and without being counted. It draws on
    /// the budget, because a refused connection may itself be a sign of overload.
    pub fn decide<R>(
        &self,
        verdict: Classification,
        progress: &mut Progress,
        terms: &CallTerms,
        random: impl FnOnce() -> u64,
        reserve: impl FnOnce() -> Result<R, StopReason>,
    ) -> Decision<R> {
        let replaces = match verdict.class {
            RetryClass::Final => return Decision::Return,
            RetryClass::Forbidden => return Decision::Stop(StopReason::Forbidden),
            RetryClass::Permanent => return Decision::Stop(StopReason::NotRetryable),
            RetryClass::Rejected => return Decision::Stop(StopReason::Rejected),
            RetryClass::Listed(_) if terms.safety == Safety::Unsafe => {
                return Decision::Stop(StopReason::NotIdempotent);
            }
            RetryClass::Transient(_) if terms.safety != Safety::Idempotent => {
                return Decision::Stop(StopReason::NotIdempotent);
            }
            // Unless known otherwise, the attempt may have been processed.
            RetryClass::Unprocessed(_)
                if terms.safety != Safety::Idempotent && !terms.unprocessed =>
            {
                return Decision::Stop(StopReason::NotIdempotent);
            }
            RetryClass::Listed(_) | RetryClass::Transient(_) => false,
            RetryClass::Unprocessed(_) => !progress.replaced && self.attempts > 1,
        };
        if !replaces && progress.attempts + 1 >= self.attempts {
            return Decision::Stop(StopReason::AttemptsExhausted);
        }
        if let Some(reason) = terms.unrepeatable {
            return Decision::Stop(reason);
        }
        if verdict.hint.is_some_and(|hint| hint > self.max_retry_after) {
            return Decision::Stop(StopReason::RetryAfterTooLong);
        }
        let after = self.wait(replaces, verdict.hint, progress, random);
        if !self.is_worth_it(after, progress, terms) {
            return Decision::Stop(StopReason::DeadlineTooShort);
        }
        let paid = match reserve() {
            Ok(paid) => paid,
            Err(reason) => return Decision::Stop(reason),
        };
        progress.waited = after;
        if replaces {
            progress.replaced = true;
        } else {
            progress.attempts += 1;
        }
        Decision::Retry { after, paid }
    }

    /// Whether an attempt that begins after a wait is expected to end before the deadline.
    #[must_use]
    pub fn is_worth_it(&self, after: Duration, progress: &Progress, terms: &CallTerms) -> bool {
        let Some(remaining) = terms.remaining else {
            return true;
        };
        let observed = || progress.longest.max(terms.typical_latency);
        let takes = self.expected_attempt_time.unwrap_or_else(observed);
        // A timer may be late by its resolution.
        let late = if after.is_zero() { after } else { TIMER_SLOT };
        remaining > after.saturating_add(takes).saturating_add(late)
    }

    /// A hint is a lower bound. The first backoff is added to it, so that callers with the same hint do not retry at
    /// the same time.
    fn wait(
        &self,
        replaces: bool,
        hint: Option<Duration>,
        progress: &Progress,
        random: impl FnOnce() -> u64,
    ) -> Duration {
        match hint {
            Some(hint) => {
                let spread = self.backoff.wait(0, Duration::ZERO, random());
                hint.saturating_add(spread)
            }
            None if replaces => Duration::ZERO,
            None => self
                .backoff
                .wait(progress.attempts, progress.waited, random()),
        }
    }
}

/// The resolution of tokio's timers.
const TIMER_SLOT: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Backoff, FailureKind, Jitter};

    const SECOND: Duration = Duration::from_secs(1);
    const TERMS: CallTerms = CallTerms {
        safety: Safety::Idempotent,
        unprocessed: false,
        unrepeatable: None,
        remaining: None,
        typical_latency: Duration::ZERO,
    };

    fn rule() -> RetryRule {
        RetryRule {
            backoff: Backoff::default().base(SECOND / 10).jitter(Jitter::None),
            ..RetryRule::default()
        }
    }

    fn decide(verdict: Classification, progress: &mut Progress, terms: CallTerms) -> Decision<()> {
        rule().decide(verdict, progress, &terms, || 0, || Ok(()))
    }

    fn transient() -> Classification {
        Classification::new(RetryClass::Transient(FailureKind::Error))
    }

    fn unprocessed() -> Classification {
        Classification::new(RetryClass::Unprocessed(FailureKind::Transport))
    }

    fn retry(after: Duration) -> Decision<()> {
        Decision::Retry { after, paid: () }
    }

    #[test]
    fn each_condition_stops_for_its_reason() {
        let with = |safety| CallTerms { safety, ..TERMS };
        let unsafe_twice = with(Safety::Unsafe);
        let listed = Classification::new(RetryClass::Listed(FailureKind::Error));
        let short = CallTerms {
            remaining: Some(SECOND / 10),
            ..TERMS
        };
        let spent = Progress {
            attempts: 2,
            replaced: true,
            ..Progress::default()
        };
        let new = Progress::default();
        let longest = Some(10 * SECOND);
        let long = longest.map(|hint| hint + Duration::from_nanos(1));
        for (verdict, progress, terms, expected) in [
            (Classification::FINAL, new, TERMS, Decision::Return),
            (
                Classification::new(RetryClass::Forbidden),
                new,
                TERMS,
                Decision::Stop(StopReason::Forbidden),
            ),
            (
                Classification::new(RetryClass::Permanent),
                new,
                TERMS,
                Decision::Stop(StopReason::NotRetryable),
            ),
            (
                Classification::new(RetryClass::Rejected),
                new,
                TERMS,
                Decision::Stop(StopReason::Rejected),
            ),
            (
                transient(),
                new,
                unsafe_twice,
                Decision::Stop(StopReason::NotIdempotent),
            ),
            (
                transient(),
                new,
                with(Safety::Unknown),
                Decision::Stop(StopReason::NotIdempotent),
            ),
            (
                listed,
                new,
                unsafe_twice,
                Decision::Stop(StopReason::NotIdempotent),
            ),
            (listed, new, with(Safety::Unknown), retry(SECOND / 10)),
            (
                transient(),
                spent,
                TERMS,
                Decision::Stop(StopReason::AttemptsExhausted),
            ),
            (
                unprocessed(),
                spent,
                TERMS,
                Decision::Stop(StopReason::AttemptsExhausted),
            ),
            (
                transient(),
                new,
                CallTerms {
                    unrepeatable: Some(StopReason::BodyTooLarge),
                    ..TERMS
                },
                Decision::Stop(StopReason::BodyTooLarge),
            ),
            (
                transient().hint(long),
                new,
                TERMS,
                Decision::Stop(StopReason::RetryAfterTooLong),
            ),
            (
                transient().hint(longest),
                new,
                TERMS,
                retry(10 * SECOND + SECOND / 10),
            ),
            (
                transient(),
                new,
                short,
                Decision::Stop(StopReason::DeadlineTooShort),
            ),
            (transient(), new, TERMS, retry(SECOND / 10)),
            (unprocessed(), new, TERMS, retry(Duration::ZERO)),
            (
                unprocessed(),
                new,
                CallTerms {
                    unprocessed: true,
                    ..unsafe_twice
                },
                retry(Duration::ZERO),
            ),
            // The attempt may have been processed, so `safety` decides.
            (
                unprocessed(),
                new,
                unsafe_twice,
                Decision::Stop(StopReason::NotIdempotent),
            ),
        ] {
            let decision = decide(verdict, &mut progress.clone(), terms);
            assert_eq!(decision, expected, "{verdict:?} {progress:?} {terms:?}");
        }
    }

    #[test]
    fn the_budget_is_last_and_its_refusal_changes_nothing() {
        let mut progress = Progress::default();
        let refuse = || Err::<(), _>(StopReason::BudgetEmpty);
        let decision = rule().decide(transient(), &mut progress, &TERMS, || 0, refuse);
        assert_eq!(decision, Decision::Stop(StopReason::BudgetEmpty));
        assert_eq!(progress, Progress::default());

        let reserve = || -> Result<(), _> { panic!("not needed") };
        let decision = rule().decide(Classification::FINAL, &mut progress, &TERMS, || 0, reserve);
        assert_eq!(decision, Decision::Return);
    }

    #[test]
    fn waits_grow_and_attempts_end() {
        let mut progress = Progress::default();
        let mut next = || decide(transient(), &mut progress, TERMS);
        assert_eq!(next(), retry(SECOND / 10));
        assert_eq!(next(), retry(SECOND / 5));
        assert_eq!(next(), Decision::Stop(StopReason::AttemptsExhausted));
    }

    #[test]
    fn an_unprocessed_attempt_is_replaced_once() {
        let mut progress = Progress::default();
        let mut next = || decide(unprocessed(), &mut progress, TERMS);
        assert_eq!(next(), retry(Duration::ZERO));
        assert_eq!(next(), retry(SECOND / 10));
        assert_eq!(next(), retry(SECOND / 5));
        assert_eq!(next(), Decision::Stop(StopReason::AttemptsExhausted));
    }

    #[test]
    fn with_one_attempt_there_is_no_retry() {
        let rule = RetryRule {
            attempts: 1,
            ..rule()
        };
        for verdict in [transient(), unprocessed()] {
            let progress = &mut Progress::default();
            let decision = rule.decide(verdict, progress, &TERMS, || 0, || Ok(()));
            assert_eq!(decision, Decision::Stop(StopReason::AttemptsExhausted));
        }
    }

    #[test]
    fn a_hint_is_a_floor() {
        let verdict = transient().hint(Some(2 * SECOND));
        let decision = decide(verdict, &mut Progress::default(), TERMS);
        assert_eq!(decision, retry(2 * SECOND + SECOND / 10));
    }

    #[test]
    fn no_attempt_begins_that_cannot_end_in_time() {
        let in_time = |remaining, longest, typical_latency| {
            let terms = CallTerms {
                remaining: Some(remaining),
                typical_latency,
                ..TERMS
            };
            let mut progress = Progress {
                longest,
                ..Progress::default()
            };
            decide(transient(), &mut progress, terms) == retry(SECOND / 10)
        };
        let ms = Duration::from_millis;
        assert!(in_time(ms(102), ms(0), ms(0)));
        assert!(!in_time(ms(101), ms(0), ms(0)));
        assert!(in_time(ms(302), ms(200), ms(150)));
        assert!(!in_time(ms(301), ms(200), ms(150)));
        assert!(!in_time(ms(301), ms(150), ms(200)));
        assert!(!in_time(ms(0), ms(0), ms(0)));
        assert!(!in_time(Duration::MAX, Duration::MAX, ms(0)));
    }
}
