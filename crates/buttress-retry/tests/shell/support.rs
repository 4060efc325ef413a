use std::time::Duration;

use ::http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use buttress_core::budget::BudgetConfig;
use buttress_core::{Backoff, BoxError, Jitter};
use buttress_http::ReplayBody;
use buttress_retry::{HttpRetry, Retry, RetryConfig, RetryLayer, RetryService};
use buttress_testkit::{ProbeHandle, ReadyProbe, Script, TestBody};
use tower::{Layer, Service, ServiceExt};

/// How long these tests wait before the first retry; twice that before the second.
pub(crate) const WAIT: Duration = Duration::from_millis(100);

/// Three attempts, 100 and 200 milliseconds apart, and a budget that is never in the way.
pub(crate) fn config() -> RetryConfig {
    RetryConfig::default()
        .backoff(Backoff::default().base(WAIT).jitter(Jitter::None))
        .budget(
            BudgetConfig::default()
                .floor_per_second(1_000)
                .in_flight_share(None),
        )
}

/// A retry with that [`config`].
pub(crate) fn retry() -> Retry {
    Retry::new("test", config())
}

/// Lets the floor of a budget pay in for a second.
pub(crate) async fn save_up() {
    tokio::time::advance(Duration::from_secs(1)).await;
}

/// A service behind `retry`, and what is behind it.
pub(crate) fn behind(retry: &Retry) -> (RetryService<ReadyProbe, HttpRetry>, ProbeHandle) {
    let (inner, probe) = ReadyProbe::new();
    (RetryLayer::http(retry).layer(inner), probe)
}

pub(crate) type Body = ReplayBody<TestBody>;

pub(crate) fn get() -> Request<Body> {
    Request::new(ReplayBody::new(TestBody::empty()))
}

pub(crate) fn post(body: TestBody) -> Request<Body> {
    let request = Request::post("/").body(ReplayBody::new(body));
    request.expect("it is a request")
}

/// Makes one call with a clone of `service`, as a server would.
pub(crate) async fn call<S>(service: &S, request: Request<Body>) -> Result<S::Response, BoxError>
where
    S: Service<Request<Body>, Error = BoxError> + Clone,
{
    service.clone().oneshot(request).await
}

/// A call that fails at its first poll, in a way that may have done something.
pub(crate) fn failure() -> Script<Response<TestBody>> {
    Script::new().err("scripted failure")
}

/// A call that answers at its first poll.
pub(crate) fn answer(status: u16, headers: &[(&'static str, &str)]) -> Script<Response<TestBody>> {
    let mut response = Response::new(TestBody::empty());
    *response.status_mut() = StatusCode::from_u16(status).expect("it is a status");
    for (name, value) in headers {
        response.headers_mut().insert(
            HeaderName::from_static(name),
            HeaderValue::from_str(value).expect("it is a value"),
        );
    }
    Script::new().ok(response)
}

/// A trailers-only answer of gRPC.
pub(crate) fn grpc(code: &str, more: &[(&'static str, &str)]) -> Script<Response<TestBody>> {
    let mut headers = vec![("content-type", "application/grpc"), ("grpc-status", code)];
    headers.extend_from_slice(more);
    answer(200, &headers)
}
