//! How a call ends with its body.

use super::*;

#[test]
fn the_guard_is_held_until_the_body_ends() {
    let mut call = Call::new(&Http::default(), response(200, &[], hello()));
    for _ in 0..3 {
        let _ = call.poll();
        assert!(call.ledger.is_open());
    }
    assert!(matches!(call.poll(), Poll::Ready(None)));
    assert_eq!(call.ledger.ends(), [SUCCESS]);
    assert!(matches!(call.poll(), Poll::Ready(None)));
    assert_eq!(call.dropped(), [SUCCESS]);
}

#[test]
fn a_body_that_knows_its_end_settles_with_its_last_frame() {
    // hyper drops such a body without polling it again.
    let body = hello().knowing_its_end();
    let mut call = Call::new(&Http::default(), response(200, &[], body));
    for _ in 0..2 {
        let _ = call.poll();
        assert!(call.ledger.is_open());
    }
    let _ = call.poll();
    assert_eq!(call.ledger.ends(), [SUCCESS]);
}

#[test]
fn a_body_of_known_length_settles_with_its_last_byte() {
    // hyper also stops there, whether the length is in a header or in the size hint.
    let mut hinted = hello();
    hinted.size_hint = SizeHint::with_exact(5);
    for response in [
        response(200, &[("content-length", "5")], hello()),
        response(200, &[], hinted),
    ] {
        let mut call = Call::new(&Http::default(), response);
        for _ in 0..2 {
            let _ = call.poll();
            assert!(call.ledger.is_open());
        }
        let _ = call.poll();
        assert_eq!(call.ledger.ends(), [SUCCESS]);
    }
}

#[test]
fn a_body_that_fails_is_a_transport_failure() {
    let steps = || [Step::Data("he"), Step::Error];
    for headers in [&[][..], &[GRPC]] {
        let response = response(200, headers, Scripted::new(steps()));
        assert_eq!(read(&Http::default(), response), [TRANSPORT]);
    }
}

/// An inner layer that ends a body states the kind of failure. A deadline that ends a body is not a failure: the
/// reader may have been slow.
#[test]
fn the_error_of_a_body_determines_the_kind_of_failure() {
    let rejection = |reason| BoxError::from(Rejection::new(reason, "inner"));
    let ignored = Some(Outcome::Ignored);
    let late = Outcome::Failure(FailureKind::Timeout);
    let errors: [(BoxError, _); 6] = [
        (rejection(Reason::DeadlineExceeded), ignored),
        (rejection(Reason::FaultInjected), ignored),
        (io::Error::from(io::ErrorKind::TimedOut).into(), ignored),
        (ClassifiedError::new(late, "late").into(), ignored),
        (
            io::Error::from(io::ErrorKind::ConnectionReset).into(),
            TRANSPORT,
        ),
        ("not a code".into(), TRANSPORT),
    ];
    for (error, outcome) in errors {
        let text = error.to_string();
        let body = Scripted::new([Step::Data("he"), Step::Fails(error)]);
        let mut call = Call::new(&Http::default(), response(200, &[], body));
        let _ = call.poll();
        let Poll::Ready(Some(Err(error))) = call.poll() else {
            panic!("no error");
        };
        assert_eq!(error.to_string(), text);
        assert_eq!(call.dropped(), [outcome], "{text}");
    }
}

#[test]
fn a_body_short_of_its_length_is_a_transport_failure() {
    let response = response(200, &[("content-length", "6")], hello());
    assert_eq!(read(&Http::default(), response), [TRANSPORT]);
}

#[test]
fn an_empty_body_is_never_short() {
    // The response to a HEAD, through a wrapper that does not know that it is at its end.
    let response = response(200, &[("content-length", "5")], Scripted::new([]));
    assert_eq!(read(&Http::default(), response), [SUCCESS]);
}

#[test]
fn a_failure_in_the_head_is_not_replaced_by_one_in_the_body() {
    let steps = [Step::Data("he"), Step::Error];
    let response = response(503, &[], Scripted::new(steps));
    assert_eq!(read(&Http::default(), response), [ERROR]);
}

#[test]
fn a_body_dropped_half_read_is_cancelled() {
    for headers in [&[][..], &[GRPC], &[("content-length", "5")]] {
        let mut call = Call::new(&Http::default(), response(200, headers, hello()));
        let _ = call.poll();
        assert_eq!(call.dropped(), [CANCELLED]);
    }
}

#[test]
fn a_body_dropped_after_a_pending_poll_is_cancelled() {
    let body = Scripted::new([Step::Pending]);
    let mut call = Call::new(&Http::default(), response(200, &[], body));
    let _ = call.poll();
    assert_eq!(call.dropped(), [CANCELLED]);
}

#[test]
fn a_body_dropped_unread_has_the_outcome_of_its_head() {
    for (status, outcome) in [(200, SUCCESS), (404, SUCCESS), (500, ERROR)] {
        let call = Call::new(&Http::default(), response(status, &[], hello()));
        assert_eq!(call.dropped(), [outcome]);
    }
    let grpc = Call::new(&Http::default(), response(200, &[GRPC], hello()));
    assert_eq!(grpc.dropped(), [CANCELLED], "the head has no outcome");
}

#[test]
fn a_failure_in_the_head_outlives_a_body_dropped_half_read() {
    let mut call = Call::new(&Http::default(), response(500, &[], hello()));
    let _ = call.poll();
    assert_eq!(call.dropped(), [ERROR]);
}

#[test]
fn a_panic_of_the_body_is_a_failure_of_its_call() {
    let body = Scripted::new([Step::Data("he"), Step::Panic]);
    let mut call = Call::new(&Http::default(), response(200, &[], body));
    let panic = catch_unwind(AssertUnwindSafe(|| call.read_to_end()));
    assert!(panic.is_err());
    assert_eq!(call.ledger.ends(), [ERROR]);
    assert_eq!(call.dropped(), [ERROR]);
}

proptest! {
    /// Whatever a body does and wherever it is dropped, its guard ends once.
    #[test]
    fn every_guard_ends_once(
        status in prop_oneof![Just(200_u16), Just(204), Just(500)],
        is_grpc: bool,
        knows_its_end: bool,
        length in prop_oneof![Just(None), Just(Some("4")), Just(Some("-")), Just(Some("99"))],
        steps in prop::collection::vec(0..5_u8, 0..6),
        polls in 0..8_usize,
    ) {
        let steps = steps.into_iter().map(|step| match step {
            0 => Step::Data("he"),
            1 => Step::Error,
            2 => Step::Panic,
            3 => Step::Pending,
            _ => trailers(&[("grpc-status", "0")]),
        });
        let mut body = Scripted::new(steps);
        body.knows_its_end = knows_its_end;
        let headers: Vec<_> = is_grpc
            .then_some(GRPC)
            .into_iter()
            .chain(length.map(|length| ("content-length", length)))
            .collect();

        let mut call = Call::new(&Http::default(), response(status, &headers, body));
        for _ in 0..polls {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(call.poll())));
        }
        prop_assert_eq!(call.dropped().len(), 1);
    }
}
