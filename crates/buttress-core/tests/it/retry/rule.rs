//! The rules that are valid, and the texts for why a call is not retried.

use std::collections::HashSet;
use std::time::Duration;

use buttress_core::Backoff;
use buttress_core::retry::{RetryRule, StopReason};

#[test]
fn each_value_of_a_rule_is_taken_up_to_its_bounds_and_no_further() {
    let rule = RetryRule::default;
    let of = |attempts| RetryRule { attempts, ..rule() };
    let hinted = |max_retry_after| RetryRule {
        max_retry_after,
        ..rule()
    };
    let refused = |rule: RetryRule| rule.check().err().map(|error| error.field());
    for good in [
        of(1),
        of(RetryRule::MAX_ATTEMPTS),
        hinted(Duration::ZERO),
        hinted(Backoff::MAX_CAP),
    ] {
        assert_eq!(refused(good), None);
    }
    let longer = Backoff::MAX_CAP + Duration::from_nanos(1);
    let backoff = RetryRule {
        backoff: Backoff::default().cap(longer),
        ..rule()
    };
    assert_eq!(refused(of(0)), Some("attempts"));
    assert_eq!(refused(of(RetryRule::MAX_ATTEMPTS + 1)), Some("attempts"));
    assert_eq!(refused(hinted(longer)), Some("max_retry_after"));
    assert!(refused(backoff).is_some());
}

#[test]
fn each_reason_has_its_label_and_whether_retries_are_used_up() {
    let spent = |reason: StopReason| (reason.as_str(), reason.spends_retries());
    assert_eq!(
        StopReason::ALL.map(spent),
        [
            ("attempts_exhausted", true),
            ("body_lost", false),
            ("body_too_large", false),
            ("budget_empty", true),
            ("budget_in_flight", true),
            ("deadline_too_short", true),
            ("retry_after_too_long", true),
            ("no_timer", false),
            ("not_idempotent", false),
            ("not_ready", true),
            ("not_retryable", false),
            ("rejected", false),
            ("forbidden", true),
        ]
    );
    let texts: HashSet<_> = StopReason::ALL.map(|reason| reason.to_string()).into();
    assert_eq!(texts.len(), StopReason::ALL.len());
}
