//! The decisions after failed attempts, against a naive model of the same call.

mod rule;

use std::time::Duration;

use buttress_core::retry::{
    CallTerms, Classification, Decision, Progress, RetryClass, RetryRule, Safety, StopReason,
};
use buttress_core::{Backoff, FailureKind, Jitter};
use proptest::prelude::*;

fn classes() -> impl Strategy<Value = RetryClass> {
    let kind = prop_oneof![
        Just(FailureKind::Error),
        Just(FailureKind::Timeout),
        Just(FailureKind::Overload),
        Just(FailureKind::Transport),
    ];
    (0..10, kind).prop_map(|(which, kind)| match which {
        0 => RetryClass::Permanent,
        1 => RetryClass::Forbidden,
        2 => RetryClass::Rejected,
        3 | 4 => RetryClass::Listed(kind),
        5 | 6 => RetryClass::Unprocessed(kind),
        _ => RetryClass::Transient(kind),
    })
}

fn safeties() -> impl Strategy<Value = Safety> {
    prop_oneof![
        3 => Just(Safety::Idempotent),
        1 => Just(Safety::Unknown),
        1 => Just(Safety::Unsafe),
    ]
}

/// How each attempt of a call ends: its class, whether it is known not to have been processed, the hint in
/// milliseconds, how long it took, the random number for the wait, and whether the budget pays for the next attempt.
type Ending = (RetryClass, bool, Option<u64>, u64, u64, bool);

fn endings() -> impl Strategy<Value = Vec<Ending>> {
    let ending = (
        classes(),
        any::<bool>(),
        prop::option::weighted(0.3, 0..15_000_u64),
        0..400_u64,
        any::<u64>(),
        prop::bool::weighted(0.9),
    );
    prop::collection::vec(ending, 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// The model keeps only times in milliseconds and counters of the attempts.
    #[test]
    fn a_call_goes_as_its_account_says(
        attempts in 1..6_u32,
        safety in safeties(),
        deadline in prop::option::of(0..5_000_u64),
        takes in prop::option::of(0..300_u64),
        endings in endings(),
    ) {
        let ms = Duration::from_millis;
        let rule = RetryRule {
            attempts,
            backoff: Backoff::default().base(ms(20)).cap(ms(1_000)).jitter(Jitter::Full),
            max_retry_after: ms(10_000),
            expected_attempt_time: takes.map(ms),
        };
        let mut progress = Progress::default();
        let (mut clock, mut counted, mut replaced, mut longest) = (ms(0), 1_u32, false, ms(0));
        for (class, unprocessed, hint, took, draw, pays) in endings {
            clock += ms(took);
            longest = longest.max(ms(took));
            progress.longest = longest;
            let left = deadline.map(|deadline| ms(deadline).saturating_sub(clock));
            let terms = CallTerms {
                safety,
                unprocessed,
                unrepeatable: None,
                remaining: left,
                typical_latency: Duration::ZERO,
            };
            let verdict = Classification::new(class).hint(hint.map(ms));
            let mut asked = false;
            let decision = rule.decide(verdict, &mut progress, &terms, || draw, || {
                asked = true;
                if pays { Ok(()) } else { Err(StopReason::BudgetEmpty) }
            });

            let once_more = matches!(class, RetryClass::Unprocessed(_)) && !replaced && attempts > 1;
            let is_safe = match class {
                RetryClass::Unprocessed(_) => unprocessed || safety == Safety::Idempotent,
                RetryClass::Listed(_) => safety != Safety::Unsafe,
                RetryClass::Transient(_) => safety == Safety::Idempotent,
                _ => false,
            };
            match decision {
                Decision::Return => prop_assert!(false, "every one of them failed"),
                Decision::Retry { after, .. } => {
                    prop_assert!(is_safe && pays);
                    prop_assert!(once_more || counted < attempts);
                    // A hint is the minimum wait. A retry is only made if it was paid for and fits within the deadline.
                    let floor = hint.map(ms).unwrap_or_default();
                    prop_assert!(after >= floor && after <= floor + ms(1_000));
                    let worth = takes.map_or(longest, ms);
                    prop_assert!(left.is_none_or(|left| left > after + worth));
                    clock += after;
                    if once_more { replaced = true } else { counted += 1 }
                }
                Decision::Stop(reason) => {
                    let holds = match reason {
                        StopReason::Forbidden => class == RetryClass::Forbidden,
                        StopReason::NotRetryable => class == RetryClass::Permanent,
                        StopReason::Rejected => class == RetryClass::Rejected,
                        StopReason::NotIdempotent => class.kind().is_some() && !is_safe,
                        StopReason::AttemptsExhausted => !once_more && counted == attempts,
                        StopReason::RetryAfterTooLong => hint.is_some_and(|hint| hint > 10_000),
                        StopReason::DeadlineTooShort => left.is_some(),
                        StopReason::BudgetEmpty => !pays,
                        _ => false,
                    };
                    prop_assert!(holds, "{reason:?}");
                    prop_assert_eq!(asked, reason == StopReason::BudgetEmpty);
                    return Ok(());
                }
            }
        }
    }

    /// With any values: no overflow, and no attempt past the deadline.
    #[test]
    fn nothing_overflows(
        hint in any::<u64>(),
        base in any::<u32>(),
        longest in any::<u64>(),
        typical_latency in any::<u64>(),
        remaining in any::<u64>(),
        attempts in any::<u32>(),
        draw in any::<u64>(),
    ) {
        let rule = RetryRule {
            attempts: u32::MAX,
            backoff: Backoff::default().base(Duration::from_secs(base.into())).cap(Duration::MAX),
            max_retry_after: Duration::MAX,
            expected_attempt_time: None,
        };
        let mut progress = Progress {
            attempts: attempts / 2,
            longest: Duration::from_secs(longest),
            waited: Duration::MAX,
            replaced: false,
        };
        let remaining = Duration::from_secs(remaining);
        let terms = CallTerms {
            safety: Safety::Idempotent,
            unprocessed: false,
            unrepeatable: None,
            remaining: Some(remaining),
            typical_latency: Duration::from_secs(typical_latency),
        };
        let verdict = Classification::new(RetryClass::Transient(FailureKind::Error))
            .hint(Some(Duration::from_secs(hint)));
        let decision = rule.decide(verdict, &mut progress, &terms, || draw, || Ok(()));
        if let Decision::Retry { after, .. } = decision {
            prop_assert!(after < remaining);
        }
    }
}
