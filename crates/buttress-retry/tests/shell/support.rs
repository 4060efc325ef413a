use std::time::Duration;

use ::http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use buttress_core::budget::BudgetConfig;
use buttress_core::{Backoff, BoxError, Jitter};
use buttress_http::ReplayBody;
use buttress_retry::{HttpRetry, Retry, RetryConfig, RetryLayer, RetryService};
use buttress_testkit::{ProbeHandle, ReadyProbe, Script, TestBody};
use tower::{Layer, Service, ServiceExt};

/// The wait before the first retry in these tests; the second wait is twice as long.
pub(crate) const WAIT: Duration = Duration::from_millis(100);

/// Three attempts, 100 and 200 milliseconds apart, and a budget that never runs out.
pub(crate) fn config() -> RetryConfig {
    RetryConfig::default()
        .backoff(Backoff::default().base(WAIT).jitter(Jitter::None))
        .budget(
            BudgetConfig::default()
                .floor_per_second(1_000)
                .in_flight_share(None),
        )
}

/// A retry with this [`config`].
pub(crate) fn retry() -> Retry {
    Retry::new("test", config())
}

/// Waits for a second of the budget's floor.
pub(crate) async fn accrue_budget() {
    tokio::time::advance(Duration::from_secs(1)).await;
}

/// A service with `retry`, and a handle to the inner service.
pub(crate) fn behind(retry: &Retry) -> (RetryService<ReadyProbe, HttpRetry>, ProbeHandle) {
    let (inner, probe) = ReadyProbe::new();
    (RetryLayer::client(retry).layer(inner), probe)
}

pub(crate) type Body = ReplayBody<TestBody>;

pub(crate) fn get() -> Request<Body> {
    Request::new(ReplayBody::new(TestBody::empty()))
}

pub(crate) fn post(body: TestBody) -> Request<Body> {
    let request = Request::post("/").body(ReplayBody::new(body));
    request.expect("a valid request")
}

/// Makes one call with a clone of `service`, as a server does.
pub(crate) async fn call<S>(service: &S, request: Request<Body>) -> Result<S::Response, BoxError>
where
    S: Service<Request<Body>, Error = BoxError> + Clone,
{
    service.clone().oneshot(request).await
}

/// A call that fails at its first poll, and may have been processed.
pub(crate) fn failure() -> Script<Response<TestBody>> {
    Script::new().err("scripted failure")
}

/// A call that responds at its first poll.
pub(crate) fn answer(status: u16, headers: &[(&'static str, &str)]) -> Script<Response<TestBody>> {
    let mut response = Response::new(TestBody::empty());
    *response.status_mut() = StatusCode::from_u16(status).expect("a valid status");
    for (name, value) in headers {
        response.headers_mut().insert(
            HeaderName::from_static(name),
            HeaderValue::from_str(value).expect("a valid value"),
        );
    }
    Script::new().ok(response)
}

/// A gRPC response with trailers only.
pub(crate) fn grpc(code: &str, more: &[(&'static str, &str)]) -> Script<Response<TestBody>> {
    let mut headers = vec![("content-type", "application/grpc"), ("grpc-status", code)];
    headers.extend_from_slice(more);
    answer(200, &headers)
}
