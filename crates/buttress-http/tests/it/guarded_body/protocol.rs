//! The protocol before there is a body to observe, and its settings.

use super::*;

#[test]
fn a_response_without_a_body_settles_at_its_head() {
    let protocol = Http::default();
    for response in [
        response(200, &[], ended()),
        // The response to a HEAD.
        response(200, &[("content-length", "5")], ended()),
        response(204, &[], Scripted::new([])),
        response(304, &[("content-length", "5")], Scripted::new([])),
    ] {
        assert_eq!(Call::new(&protocol, response).ledger.ends(), [SUCCESS]);
    }

    let response = response(503, &[], ended());
    assert_eq!(Call::new(&protocol, response).ledger.ends(), [ERROR]);
}

#[test]
fn a_call_until_its_headers_settles_there_and_only_there() {
    let protocol = Http::default().until(Until::Headers);
    for (status, headers, outcome) in [
        (200, &[][..], SUCCESS),
        (200, &[GRPC], SUCCESS),
        (200, &[GRPC, ("grpc-status", "14")], ERROR),
        (500, &[], ERROR),
    ] {
        let body = Scripted::new([Step::Data("he"), Step::Error]);
        let mut call = Call::new(&protocol, response(status, headers, body));
        assert_eq!(call.ledger.ends(), [outcome]);
        call.read_to_end();
        assert_eq!(call.dropped(), [outcome]);
    }
}

#[test]
fn a_call_without_a_response_settles_with_its_error() {
    let attributed = ClassifiedError::new(Outcome::Failure(FailureKind::Timeout), "late");
    let errors: [(BoxError, Outcome); 3] = [
        ("no".into(), Outcome::Failure(FailureKind::Error)),
        (attributed.into(), Outcome::Failure(FailureKind::Timeout)),
        (
            Rejection::new(Reason::CircuitOpen, "inner").into(),
            Outcome::Ignored,
        ),
    ];
    for (error, outcome) in errors {
        let text = error.to_string();
        let ledger = Ledger::default();
        let result: Result<Response<Empty<bytes::Bytes>>, _> = Err(error);
        let error = Http::default()
            .conclude(result, &mut Some(ledger.guard()))
            .unwrap_err();
        assert_eq!(error.to_string(), text);
        assert_eq!(ledger.ends(), [Some(outcome)]);
    }
}

#[test]
fn a_custom_classifier_takes_precedence() {
    struct Strict;

    impl Classify for Strict {
        fn head(&self, status: StatusCode, _: &HeaderMap) -> Option<Report> {
            match status {
                StatusCode::OK => None,
                _ => Some(Report::failure(FailureKind::Overload)),
            }
        }

        fn trailers(&self, trailers: &HeaderMap) -> Option<Report> {
            match trailers.get("x-outcome") {
                Some(_) => Some(Report::IGNORED),
                None => Some(Report::SUCCESS),
            }
        }

        fn error(&self, _: &(dyn std::error::Error + 'static)) -> Report {
            Report::SUCCESS
        }
    }

    let protocol = Http::default().classify(Strict);
    let with_trailers = |map| Scripted::new([Step::Data("hello"), trailers(map)]);
    for (response, outcome) in [
        (
            response(404, &[], hello()),
            Some(Outcome::Failure(FailureKind::Overload)),
        ),
        (response(200, &[], with_trailers(&[])), SUCCESS),
        (
            response(200, &[], with_trailers(&[("x-outcome", "none")])),
            Some(Outcome::Ignored),
        ),
        (response(200, &[], hello()), TRANSPORT),
    ] {
        assert_eq!(read(&protocol, response), [outcome]);
    }

    let ledger = Ledger::default();
    let result: Result<Response<Scripted>, BoxError> = Err("no".into());
    assert!(
        protocol
            .conclude(result, &mut Some(ledger.guard()))
            .is_err()
    );
    assert_eq!(ledger.ends(), [SUCCESS]);
}

#[test]
fn a_panic_of_the_classifier_cancels_the_call() {
    let protocol =
        Http::default().classify(|_: StatusCode, _: &HeaderMap| -> Report { panic!("scripted") });
    let ledger = Ledger::default();
    let response = Ok(response(200, &[], hello()));
    let panic = catch_unwind(AssertUnwindSafe(|| {
        protocol.conclude(response, &mut Some(ledger.guard()))
    }));
    assert!(panic.is_err());
    assert_eq!(ledger.ends(), [CANCELLED]);
}

#[test]
fn an_invalid_length_is_ignored() {
    let response = response(200, &[("content-length", "five")], hello());
    assert_eq!(read(&Http::default(), response), [SUCCESS]);
}
