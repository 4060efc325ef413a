use std::time::{Duration, Instant};

use buttress_core::{ClientDeadline, Deadline, Reason};
use proptest::option;
use proptest::prelude::*;

use crate::deadline::{durations, millis};

#[test]
fn no_deadline_is_passed_on_as_none() {
    assert_eq!(
        ClientDeadline::default().send(Instant::now(), None),
        Ok(None)
    );
}

#[test]
fn the_margin_shortens_the_sent_timeout_and_not_the_wait() {
    let now = Instant::now();
    let inherited = Deadline::after(now, millis(100));
    let rule = ClientDeadline {
        timeout: Some(millis(300)),
        margin: millis(7),
        minimum: millis(1),
    };
    let deadline = rule.send(now, inherited).unwrap().unwrap();
    assert_eq!(Some(deadline), inherited);
    assert_eq!(rule.given(now, deadline), millis(93));
    let alone = rule.send(now, None).unwrap().unwrap();
    assert_eq!(alone.remaining(now), millis(300));
    assert_eq!(rule.given(now, alone), millis(293));
}

#[test]
fn what_cannot_finish_is_not_sent() {
    let now = Instant::now();
    let rule = ClientDeadline {
        timeout: None,
        margin: millis(5),
        minimum: millis(10),
    };
    for (left, expected) in [
        (0, Some(Reason::DeadlineExpired)),
        (5, Some(Reason::DeadlineTooShort)),
        (14, Some(Reason::DeadlineTooShort)),
        (15, None),
    ] {
        let sent = rule.send(now, Deadline::after(now, millis(left)));
        assert_eq!(sent.err(), expected, "{left} ms");
    }
}

#[test]
fn a_timeout_that_leaves_nothing_to_send_with_is_rejected() {
    for timeout in [Duration::ZERO, millis(5), millis(14), Duration::MAX] {
        let rule = ClientDeadline {
            timeout: Some(timeout),
            margin: millis(5),
            minimum: millis(10),
        };
        assert_eq!(rule.check().unwrap_err().field(), "timeout", "{timeout:?}");
    }
    assert_eq!(ClientDeadline::default().check(), Ok(()));
}

proptest! {
    #[test]
    fn a_child_never_has_more_than_its_parent(
        timeout in option::of(durations()),
        margin in durations(),
        minimum in durations(),
        inherited in option::of((0..20_u64).prop_map(millis)),
    ) {
        let now = Instant::now();
        let rule = ClientDeadline { timeout, margin, minimum };
        let sent = rule.send(now, inherited.map(|left| Deadline::at(now + left)));
        let own = timeout.filter(|timeout| *timeout <= Deadline::FURTHEST);
        let left = own.into_iter().chain(inherited).min();
        match sent {
            Ok(None) => prop_assert_eq!(left, None),
            Ok(Some(deadline)) => {
                let left = left.unwrap();
                let given = rule.given(now, deadline);
                prop_assert_eq!(deadline.remaining(now), left);
                prop_assert_eq!(given + margin, left);
                prop_assert!(given >= minimum && !given.is_zero());
            }
            Err(reason) => {
                let left = left.unwrap();
                prop_assert_eq!(reason == Reason::DeadlineExpired, left.is_zero());
                let given = left.saturating_sub(margin);
                prop_assert!(given.is_zero() || given < minimum);
            }
        }
    }
}
