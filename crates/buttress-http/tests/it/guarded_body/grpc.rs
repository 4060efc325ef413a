//! How a gRPC call ends.

use super::*;

#[test]
fn a_head_alone_can_carry_the_status_of_grpc() {
    let trailers_only = |status| response(200, &[GRPC, ("grpc-status", status)], ended());
    for (status, outcome) in [("0", SUCCESS), ("14", ERROR), ("5", SUCCESS)] {
        let call = Call::new(&Http::default(), trailers_only(status));
        assert_eq!(call.ledger.ends(), [outcome]);
    }
}

#[test]
fn the_status_of_grpc_is_read_from_the_trailers() {
    for (status, outcome) in [("0", SUCCESS), ("14", ERROR), ("1", Some(Outcome::Ignored))] {
        let steps = [Step::Data("hello"), trailers(&[("grpc-status", status)])];
        let response = response(200, &[GRPC], Scripted::new(steps));
        assert_eq!(read(&Http::default(), response), [outcome]);
    }
}

#[test]
fn a_grpc_body_of_known_length_ends_with_its_trailers() {
    let steps = [Step::Data("hello"), trailers(&[("grpc-status", "14")])];
    let response = response(200, &[GRPC, ("content-length", "5")], Scripted::new(steps));
    assert_eq!(read(&Http::default(), response), [ERROR]);
}

#[test]
fn a_grpc_body_without_a_status_was_cut_off() {
    let protocol = Http::default();
    for steps in [
        vec![Step::Data("hello")],
        vec![Step::Data("hello"), trailers(&[])],
        vec![Step::Data("hello"), trailers(&[("grpc-status", "fine")])],
        vec![],
    ] {
        let response = response(200, &[GRPC], Scripted::new(steps));
        assert_eq!(read(&protocol, response), [TRANSPORT]);
    }
    let call = Call::new(&protocol, response(200, &[GRPC], ended()));
    assert_eq!(call.ledger.ends(), [TRANSPORT]);
}

/// A stream that was allowed ten seconds, and went well for ten seconds, ends so. If nothing came before the
/// trailers, they came with the head, and the service delayed both.
#[test]
fn a_deadline_that_ends_a_stream_after_its_head_is_neutral() {
    const TIMEOUT: Option<Outcome> = Some(Outcome::Failure(FailureKind::Timeout));
    for (before, outcome) in [
        (vec![Step::Data("event")], Some(Outcome::Ignored)),
        (vec![Step::Pending], Some(Outcome::Ignored)),
        (vec![], TIMEOUT),
    ] {
        let steps = before
            .into_iter()
            .chain([trailers(&[("grpc-status", "4")])]);
        let response = response(200, &[GRPC], Scripted::new(steps));
        assert_eq!(read(&Http::default(), response), [outcome]);
    }
}
