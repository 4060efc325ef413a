//! The position of the shedder in a stack, and its effect on other layers.

use std::convert::Infallible;
use std::time::Duration;

use buttress::shed::Criticality;
use buttress::{BoxError, Reason, Rejection, Resilience};
use http::{Request, Response, StatusCode};
use tower::{Service, ServiceExt, service_fn};

/// The criticality in a handler, on a server that was created before the reload.
#[tokio::test]
async fn a_running_server_uses_the_trust_policy_of_the_reload() {
    let resilience = Resilience::from_toml("[server.api]\nshed = {}\ndeadline = {}").unwrap();
    let handler = service_fn(|_: Request<String>| async {
        let heard = Criticality::current().unwrap_or_default();
        Ok::<_, Infallible>(Response::new(heard.to_string()))
    });
    let server = resilience.server("api").unwrap().service(handler);
    let heard = async || {
        let request = Request::get("/").header("x-criticality", "critical");
        let request = request.body(String::new()).unwrap();
        let response = server.clone().oneshot(request).await.unwrap();
        read(response).await
    };
    assert_eq!(heard().await, "high");
    resilience
        .reload("[server.api]\nshed.trust = 'always'\ndeadline = {}")
        .unwrap();
    assert_eq!(heard().await, "critical");
}

/// The shedder is outside the bulkhead: a call that it rejects is not counted by the bulkhead, and has a
/// `Retry-After`.
#[tokio::test(start_paused = true)]
async fn a_server_sheds_before_its_bulkhead() {
    let file = "[server.api]\nshed = { limit = 1, queue = 0 }\nbulkhead.limit = 2";
    let resilience = Resilience::from_toml(file).unwrap();
    let handler = service_fn(|_: Request<String>| {
        std::future::pending::<Result<Response<String>, Infallible>>()
    });
    let server = resilience.server("api").unwrap().service(handler);
    let inside = tokio::spawn(server.clone().oneshot(Request::default()));
    tokio::task::yield_now().await;
    let response = server.oneshot(Request::default()).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body = read(response).await;
    assert!(body.contains("\"reason\":\"limit_reached\""), "{body}");
    assert_eq!(resilience.bulkhead("api").unwrap().snapshot().in_flight, 1);
    inside.abort();
}

/// The queue is outside the breaker: otherwise a client's own queue would open the circuit.
#[tokio::test(start_paused = true)]
async fn the_time_in_a_clients_queue_is_not_the_dependencys_latency() {
    let file = "[client.payments]\nshed = { limit = 1, queue = 9, max_wait = 'off', order = 'fifo' }\n\
                breaker = { slow_calls = { threshold = '100 ms', ratio = 0.1 }, minimum_calls = 1 }";
    let resilience = Resilience::from_toml(file).unwrap();
    let takes_60_ms = service_fn(|_: Request<reqwest::Body>| async {
        tokio::time::sleep(Duration::from_millis(60)).await;
        Ok::<_, BoxError>(Response::new(String::new()))
    });
    let client = resilience.client("payments").unwrap().service(takes_60_ms);
    let calls: Vec<_> = (0..5).map(|_| tokio::spawn(call(client.clone()))).collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let counts = resilience.breaker("payments").unwrap().snapshot().counts;
    assert_eq!((counts.calls, counts.slow), (5, 0));
}

/// A call that an open circuit rejects was not sent, so the throttle does not hold back later calls.
#[tokio::test(start_paused = true)]
async fn a_throttle_does_not_count_calls_that_an_open_circuit_rejects() {
    let file = "[client.payments]\nthrottle = {}\nbreaker = {}";
    let resilience = Resilience::from_toml(file).unwrap();
    let well = service_fn(|_: Request<reqwest::Body>| async {
        Ok::<_, BoxError>(Response::new(String::new()))
    });
    let client = resilience.client("payments").unwrap().service(well);
    let breaker = resilience.breaker("payments").unwrap();
    let held = breaker.isolate("maintenance");
    for _ in 0..1_000 {
        let error = call(client.clone()).await.unwrap_err();
        let reason = Rejection::find(&*error).map(Rejection::reason);
        assert_eq!(reason, Some(Reason::CircuitIsolated));
    }
    let shedder = resilience.shedder("payments").unwrap();
    let counted = shedder.snapshot().throttle.unwrap();
    assert_eq!((counted.sent, counted.refused), (0, 0));
    drop(held);
    for _ in 0..100 {
        call(client.clone()).await.unwrap();
    }
}

/// Each attempt needs a permit: the attempts of a retry are load, and limited like any other.
#[tokio::test(start_paused = true)]
async fn a_throttle_applies_to_every_attempt() {
    let file = "[client.payments]\nthrottle = {}\nretry = { attempts = 2 }";
    let resilience = Resilience::from_toml(file).unwrap();
    let overloaded = service_fn(|_: Request<reqwest::Body>| async {
        let response = Response::builder().status(StatusCode::TOO_MANY_REQUESTS);
        Ok::<_, BoxError>(response.body(String::new()).unwrap())
    });
    let client = resilience.client("payments").unwrap().service(overloaded);
    let answered = call(client).await.unwrap();
    assert_eq!(answered.status(), StatusCode::TOO_MANY_REQUESTS);
    let shedder = resilience.shedder("payments").unwrap();
    let counted = shedder.snapshot().throttle.unwrap();
    assert_eq!((counted.sent, counted.refused), (2, 2));
}

async fn call<S>(client: S) -> Result<S::Response, BoxError>
where
    S: Service<Request<reqwest::Body>, Error = BoxError>,
{
    client.oneshot(Request::default()).await
}

async fn read<B>(response: Response<B>) -> String
where
    B: http_body::Body<Data = axum::body::Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let body = axum::body::Body::new(response.into_body());
    let bytes = axum::body::to_bytes(body, 1 << 16).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}
