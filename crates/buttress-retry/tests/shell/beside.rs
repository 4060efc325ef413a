//! Two concurrent copies of a request: which requests allow it, and which response is returned.

use std::cell::Cell;
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use ::http::{Request, Response};
use buttress_http::{Idempotent, ReplayBody};
use buttress_retry::{Hedge, HedgeConfig, HedgeLayer};
use buttress_testkit::TestBody;
use http_body_util::BodyExt;
use tokio::time::sleep;
use tower::{Layer, Service, ServiceExt, service_fn};

type Body = ReplayBody<TestBody>;

const MS: Duration = Duration::from_millis(1);

/// The responses to the attempts of a call, and their latencies: the first attempt, and one made while it runs.
#[derive(Clone, Copy)]
struct Answers {
    first: (u16, u64),
    other: (u16, u64),
}

/// Returns a hedged service with these responses, and its number of attempts. The latency is already measured.
async fn hedged(
    answers: Answers,
) -> (
    impl Service<Request<Body>, Response = Response<TestBody>, Error: std::fmt::Debug> + Clone,
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
            let response = Response::builder().status(status);
            let response = response.body(TestBody::empty());
            Ok::<_, Infallible>(response.expect("a valid status"))
        }
    });
    let service = HedgeLayer::http(&hedge).layer(inner);
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
        ((503, 500), (404, 1), 404),
        ((404, 100), (503, 500), 404),
        ((503, 500), (503, 1), 503),
        ((200, 500), (200, 1), 200),
    ] {
        let (service, begun) = hedged(Answers { first, other }).await;
        let body = ReplayBody::new(TestBody::empty());
        let request = Request::delete("/order/7").body(body).unwrap();
        let response = service.oneshot(request).await.unwrap();
        let seen = (response.status().as_u16(), begun.get());
        assert_eq!(seen, (expected, 2), "{first:?} {other:?}");
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
