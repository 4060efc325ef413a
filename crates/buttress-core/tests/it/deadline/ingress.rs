use std::time::{Duration, Instant};

use buttress_core::{Deadline, Reason, ServerDeadline};
use proptest::option;
use proptest::prelude::*;

use crate::deadline::{durations, millis};

const NONE: ServerDeadline = ServerDeadline {
    timeout: None,
    maximum: None,
    offset: Duration::ZERO,
    minimum: Duration::ZERO,
};

#[test]
fn each_field_has_its_documented_effect() {
    let now = Instant::now();
    let timeout = ServerDeadline {
        timeout: Some(millis(200)),
        ..NONE
    };
    let maximum = ServerDeadline {
        maximum: Some(millis(900)),
        ..timeout
    };
    let offset = ServerDeadline {
        offset: millis(10),
        ..maximum
    };
    let minimum = ServerDeadline {
        minimum: millis(50),
        ..NONE
    };
    let longest = Duration::from_nanos(1 << 63);
    let expired = Err(Reason::DeadlineExpired);
    let too_short = Err(Reason::DeadlineTooShort);
    for (rule, given, admitted) in [
        (NONE, None, Ok(None)),
        (NONE, Some(millis(70)), Ok(Some(millis(70)))),
        (NONE, Some(Duration::ZERO), expired),
        (NONE, Some(longest), Ok(None)),
        (NONE, Some(Duration::MAX), Ok(None)),
        (timeout, None, Ok(Some(millis(200)))),
        (timeout, Some(millis(70)), Ok(Some(millis(70)))),
        (timeout, Some(millis(900)), Ok(Some(millis(200)))),
        (timeout, Some(Duration::MAX), Ok(Some(millis(200)))),
        (maximum, None, Ok(Some(millis(200)))),
        (maximum, Some(millis(800)), Ok(Some(millis(800)))),
        (maximum, Some(millis(1_000)), Ok(Some(millis(900)))),
        (offset, Some(millis(70)), Ok(Some(millis(60)))),
        (offset, None, Ok(Some(millis(200)))),
        (offset, Some(millis(10)), too_short),
        (offset, Some(Duration::ZERO), expired),
        (minimum, Some(millis(50)), Ok(Some(millis(50)))),
        (minimum, Some(millis(49)), too_short),
    ] {
        let deadline = rule.admit(now, given, None);
        let remaining = deadline.map(|deadline| deadline.map(|d| d.remaining(now)));
        assert_eq!(remaining, admitted, "{rule:?}, {given:?}");
    }
}

#[test]
fn what_an_outer_call_has_left_is_all_there_is() {
    let now = Instant::now();
    let outer = Deadline::after(now, millis(20));
    let rule = ServerDeadline {
        timeout: Some(millis(200)),
        ..NONE
    };
    assert_eq!(rule.admit(now, None, outer), Ok(outer));
    assert_eq!(rule.admit(now, Some(Duration::MAX), outer), Ok(outer));
    let later = now + millis(20);
    assert_eq!(rule.admit(later, None, outer), Err(Reason::DeadlineExpired));
}

#[test]
fn fields_that_contradict_each_other_are_named() {
    let timeout = |timeout| ServerDeadline {
        timeout: Some(timeout),
        ..NONE
    };
    let cases = [
        (timeout(Duration::ZERO), "timeout"),
        (timeout(Duration::MAX), "timeout"),
        (
            ServerDeadline {
                minimum: millis(3),
                ..timeout(millis(2))
            },
            "timeout",
        ),
        (
            ServerDeadline {
                maximum: Some(millis(1)),
                ..timeout(millis(2))
            },
            "maximum",
        ),
        (
            ServerDeadline {
                maximum: Some(Duration::ZERO),
                ..NONE
            },
            "maximum",
        ),
        (
            ServerDeadline {
                maximum: Some(millis(1)),
                minimum: millis(2),
                ..NONE
            },
            "maximum",
        ),
    ];
    for (rule, field) in cases {
        let error = rule.check().unwrap_err();
        assert_eq!(error.field(), field, "{error}");
    }
    assert_eq!(NONE.check(), Ok(()));
    assert_eq!(timeout(millis(1)).check(), Ok(()));
}

proptest! {
    /// Computes the expected result in whole nanoseconds, without the crate's types.
    #[test]
    fn it_is_the_sum_one_would_do_by_hand(
        timeout in option::of(durations()),
        maximum in option::of(durations()),
        offset in durations(),
        minimum in durations(),
        given in option::of(durations()),
        outer in option::of((0..20_u64).prop_map(millis)),
    ) {
        let now = Instant::now();
        let rule = ServerDeadline { timeout, maximum, offset, minimum };
        prop_assume!(rule.check().is_ok());
        let admitted = rule.admit(now, given, outer.map(|outer| Deadline::at(now + outer)));

        let nanos = |duration: Duration| i128::try_from(duration.as_nanos()).unwrap();
        let furthest = nanos(Deadline::FURTHEST);
        let cap = maximum.or(timeout).map_or(i128::MAX, nanos);
        let own = match given {
            None => timeout.map(nanos),
            Some(given) => Some((nanos(given) - nanos(offset)).min(cap)),
        };
        let own = own.filter(|own| *own <= furthest);
        let left = own.into_iter().chain(outer.map(nanos)).min();
        let refused = given == Some(Duration::ZERO)
            || left.is_some_and(|left| left <= 0 || left < nanos(minimum));
        match admitted {
            Err(_) => prop_assert!(refused),
            Ok(deadline) => {
                prop_assert!(!refused);
                prop_assert_eq!(deadline.map(|deadline| nanos(deadline.remaining(now))), left);
            }
        }
    }
}
