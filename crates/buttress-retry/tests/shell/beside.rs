//! Two concurrent copies of a request: which requests allow it, and which response is returned.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use ::http::{Request, Response};
use buttress_core::{BoxError, Reason, Rejection};
use buttress_http::{Idempotent, ReplayBody};
use buttress_retry::{Hedge, HedgeConfig, HedgeLayer};
use buttress_testkit::TestBody;
use http_body_util::BodyExt;
use tokio::time::sleep;
use tower::{Layer, Service, ServiceExt, service_fn};

type Body = ReplayBody<TestBody>;

const MS: Duration = Duration::from_millis(1);

/// A connection that is reset, in place of a status.
const RESET: u16 = 1_001;
/// A rejection by an inner bulkhead, in place of a status.
const FULL: u16 = 1_002;
/// A rejection by an inner circuit breaker, in place of a status.
const OPEN: u16 = 1_003;

/// The results of the attempts of a call, and their latencies: the first attempt, and one made while it runs. A number
/// below 100 is a gRPC code.
#[derive(Clone, Copy)]
struct Answers {
    first: (u16, u64),
    other: (u16, u64),
}

/// Returns a hedged service with these responses, and its number of attempts. The latency is already measured.
async fn hedged(
    answers: Answers,
) -> (
    impl Service<Request<Body>, Response = Response<TestBody>, Error = BoxError> + Clone,
    Rc<Cell<u32>>,
) {
    let config = HedgeConfig::default().minimum_calls(1).max_delay(20 * MS);
    let hedge = Hedge::new("test", config);
    let (is_slow, begun) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(0)));
    let (slow, counted) = (Rc::clone(&is_slow), Rc::clone(&begun));
    let inner = service_fn(move |request: Request<Body>| {
        counted.set(counted.get() + 1);
        let (status, takes) = match (slow.get(), counted.get()) {
            (false, _) => (200, 5),
            (true, 1) => answers.first,
            (true, _) => answers.other,
        };
        async move {
            request
                .into_body()
                .collect()
                .await
                .expect("the body does not fail");
            sleep(takes as u32 * MS).await;
            result_of(status)
        }
    });
    let service = HedgeLayer::client(&hedge).layer(inner);
    while hedge.delay().is_none() {
        let request = Request::new(ReplayBody::new(TestBody::empty()));
        let answer = service.clone().oneshot(request).await;
        answer.expect("the call succeeds");
    }
    tokio::time::advance(1_000 * MS).await;
    is_slow.set(true);
    begun.set(0);
    (service, begun)
}

fn result_of(status: u16) -> Result<Response<TestBody>, BoxError> {
    let response = match status {
        RESET => return Err(io::Error::from(io::ErrorKind::ConnectionReset).into()),
        FULL => return Err(Rejection::new(Reason::BulkheadFull, "below").into()),
        OPEN => return Err(Rejection::new(Reason::CircuitOpen, "below").into()),
        0..100 => Response::builder()
            .header("content-type", "application/grpc")
            .header("grpc-status", status),
        _ => Response::builder().status(status),
    };
    Ok(response.body(TestBody::empty())?)
}

fn status_of(result: &Result<Response<TestBody>, BoxError>) -> u16 {
    match result {
        Ok(response) => match response.headers().get("grpc-status") {
            Some(code) => code
                .to_str()
                .ok()
                .and_then(|code| code.parse().ok())
                .expect("a code"),
            None => response.status().as_u16(),
        },
        Err(error) => match Rejection::find(&**error).map(Rejection::reason) {
            Some(Reason::CircuitOpen) => OPEN,
            Some(_) => FULL,
            None => RESET,
        },
    }
}

/// Makes a call and returns its status and its number of attempts.
async fn outcome(answers: Answers, request: ::http::request::Builder) -> (u16, u32) {
    let (service, begun) = hedged(answers).await;
    let request = request.body(ReplayBody::new(TestBody::empty()));
    let result = service.oneshot(request.expect("a valid request")).await;
    (status_of(&result), begun.get())
}

fn charge() -> ::http::request::Builder {
    Request::post("/charge").header("idempotency-key", "\"8e03978e\"")
}

/// F05. While the key is in use, a second request with it is a conflict.
#[tokio::test(start_paused = true)]
async fn a_request_with_a_key_may_be_repeated_but_not_concurrently() {
    let answers = Answers {
        first: (201, 500),
        other: (409, 1),
    };
    for (request, attempts) in [(charge(), 1), (charge().extension(Idempotent(true)), 2)] {
        let (service, begun) = hedged(answers).await;
        let body = ReplayBody::new(TestBody::empty().data("{}"));
        let response = service.oneshot(request.body(body).unwrap()).await.unwrap();
        assert_eq!((response.status().as_u16(), begun.get()), (201, attempts));
    }
}

/// The first DELETE deletes, and the second gets 404: each is returned only if the other attempt has nothing better.
#[tokio::test(start_paused = true)]
async fn a_client_error_waits_for_the_attempt_that_still_runs() {
    for (first, other, expected) in [
        ((204, 500), (404, 1), 204),
        ((404, 100), (204, 500), 204),
        ((404, 500), (404, 1), 404),
        ((404, 500), (404, 1), 404),
        ((503, 500), (503, 1), 503),
        ((200, 500), (200, 1), 200),
    ] {
        let seen = outcome(Answers { first, other }, Request::delete("/order/7")).await;
        assert_eq!(seen, (expected, 2), "{first:?} {other:?}");
    }
}

/// The other attempt may have caused the conflict, and a retry outside repeats only the failure.
#[tokio::test(start_paused = true)]
async fn a_conflict_does_not_hide_the_failure_of_the_other_attempt() {
    for failure in [503, 504, RESET] {
        for conflict in [404, 409, 412] {
            for (first, other) in [
                ((failure, 500), (conflict, 1)),
                ((conflict, 500), (failure, 1)),
                ((failure, 100), (conflict, 500)),
                ((conflict, 100), (failure, 500)),
            ] {
                let seen = outcome(Answers { first, other }, Request::put("/order/7")).await;
                assert_eq!(seen, (failure, 2), "{first:?} {other:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_conflict_in_grpc_does_not_hide_the_failure_of_the_other_attempt() {
    let (unavailable, already_exists, aborted) = (14, 6, 10);
    for conflict in [already_exists, aborted] {
        for (first, other, expected) in [
            ((unavailable, 500), (conflict, 1), unavailable),
            ((conflict, 500), (unavailable, 1), unavailable),
            ((conflict, 500), (conflict, 1), conflict),
            ((0, 500), (conflict, 1), 0),
        ] {
            let request = Request::post("/a.B/C")
                .header("content-type", "application/grpc")
                .extension(Idempotent(true));
            let seen = outcome(Answers { first, other }, request).await;
            assert_eq!(seen, (expected, 2), "{first:?} {other:?}");
        }
    }
}

/// A rejected attempt was not processed, so it caused nothing.
#[tokio::test(start_paused = true)]
async fn a_conflict_is_returned_if_the_other_attempt_was_not_processed() {
    for rejection in [FULL, OPEN] {
        for (first, other, expected) in [
            ((409, 500), (rejection, 1), 409),
            ((409, 100), (rejection, 500), 409),
            ((rejection, 500), (409, 1), 409),
            ((503, 500), (rejection, 1), 503),
            ((503, 100), (rejection, 500), 503),
            ((rejection, 500), (rejection, 1), rejection),
        ] {
            let seen = outcome(Answers { first, other }, Request::put("/order/7")).await;
            assert_eq!(seen, (expected, 2), "{first:?} {other:?}");
        }
    }
}

/// The rejection of a second attempt does not end a call whose first attempt still runs.
#[tokio::test(start_paused = true)]
async fn a_rejected_second_attempt_does_not_end_a_read() {
    for rejection in [FULL, OPEN] {
        let answers = Answers {
            first: (200, 500),
            other: (rejection, 1),
        };
        assert_eq!(outcome(answers, Request::get("/order/7")).await, (200, 2));
    }
}

/// No response to a read can be caused by the other copy, so it is returned at once.
#[tokio::test(start_paused = true)]
async fn a_response_to_a_read_is_returned_at_once() {
    let (hour, none) = (3_600_000, 404);
    for (method, first, other) in [
        ("GET", (none, 100), (200, hour)),
        ("HEAD", (200, hour), (none, 1)),
    ] {
        let (service, begun) = hedged(Answers { first, other }).await;
        let request = Request::builder().method(method).uri("/order/7");
        let request = request.body(ReplayBody::new(TestBody::empty())).unwrap();
        let answer = tokio::time::timeout(1_000 * MS, service.oneshot(request)).await;
        let response = answer.expect("there is a response").unwrap();
        assert_eq!((response.status().as_u16(), begun.get()), (none, 2));
    }
}
