use std::task::Poll;
use std::time::Duration;

use ::http::{Request, Response};
use buttress_breaker::{
    Breaker, BreakerConfig, BreakerLayer, BreakerService, CircuitState, OpenDuration, WhenSaturated,
};
use buttress_core::{BoxError, Reason, Rejection};
use buttress_testkit::{CountingWaker, ProbeHandle, ReadyProbe, Script, TestBody};
use tower::{Layer, Service, ServiceExt};

/// The open time in these tests.
pub(crate) const OPEN_FOR: Duration = Duration::from_secs(10);

/// Opens after three consecutive failures only, and closes after two probes.
pub(crate) fn config() -> BreakerConfig {
    BreakerConfig::default()
        .failure_ratio(None)
        .consecutive_failures(3)
        .open_for(OpenDuration::Fixed(OPEN_FOR))
        .probes(2)
}

/// A breaker with this [`config`].
pub(crate) fn breaker() -> Breaker {
    Breaker::new("test", config())
}

/// A service with `breaker`, and a handle to the inner service.
pub(crate) fn behind(breaker: &Breaker) -> (BreakerService<ReadyProbe>, ProbeHandle) {
    let (inner, probe) = ReadyProbe::new();
    (BreakerLayer::new(breaker).layer(inner), probe)
}

/// The same, but not ready while the circuit does not admit.
pub(crate) fn waiting_behind(breaker: &Breaker) -> (BreakerService<ReadyProbe>, ProbeHandle) {
    let (inner, probe) = ReadyProbe::new();
    let layer = BreakerLayer::new(breaker).when_saturated(WhenSaturated::Unready);
    (layer.layer(inner), probe)
}

pub(crate) fn request() -> Request<TestBody> {
    Request::new(TestBody::empty())
}

/// Makes one call with a clone of `service`, as a server does.
pub(crate) async fn call<S>(service: &S) -> Result<S::Response, BoxError>
where
    S: Service<Request<TestBody>, Error = BoxError> + Clone,
{
    service.clone().oneshot(request()).await
}

/// The reason, if a call was rejected.
pub(crate) fn reason<T>(result: &Result<T, BoxError>) -> Option<Reason> {
    let error = result.as_ref().err()?;
    Rejection::find(&**error).map(Rejection::reason)
}

/// A call that fails at its first poll.
pub(crate) fn failure() -> Script<Response<TestBody>> {
    Script::new().err("scripted failure")
}

/// A call that succeeds at its first poll, with an empty body.
pub(crate) fn success() -> Script<Response<TestBody>> {
    Script::new().ok(Response::default())
}

/// Advances the clock, while no call is in flight.
pub(crate) async fn pass(time: Duration) {
    tokio::time::advance(time).await;
}

/// Opens the circuit and waits for its open time, so that the next call is a probe.
pub(crate) async fn half_open(breaker: &Breaker) {
    breaker.trip();
    pass(OPEN_FOR).await;
    assert_eq!(breaker.state(), CircuitState::HalfOpen);
}

/// Polls `service` ready for the request type of these tests.
pub(crate) fn poll_ready<S>(service: &mut S, task: &CountingWaker) -> Poll<Result<(), S::Error>>
where
    S: Service<Request<TestBody>>,
{
    task.poll(|cx| service.poll_ready(cx))
}

/// A clone of `service` that became ready.
pub(crate) async fn readied<S>(service: &S) -> S
where
    S: Service<Request<TestBody>, Error = BoxError> + Clone,
{
    let clone = service.clone();
    clone
        .ready_oneshot()
        .await
        .expect("no readiness error is scripted")
}
