use std::time::Duration;

use buttress_chaos::{
    Answer, BodyFault, Bounds, ChaosLayer, ChaosService, Fault, HttpCalls, Injector,
    InjectorConfig, Latency, Plan, PlannedFault,
};
use buttress_core::{BoxError, Reason, Rejection};
use http::Request;
use http::Response;
use tower::service_fn;
use tower::{Layer, Service, ServiceExt};

use http_body_util::Full;

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// A disarmed injector without a kill variable.
pub(crate) fn injector() -> Injector {
    Injector::new("test", quiet())
}

pub(crate) fn quiet() -> InjectorConfig {
    InjectorConfig::default().kill_variable(None)
}

/// A plan with one fault for every call.
pub(crate) fn always(fault: Fault) -> Plan {
    Plan::new(7).fault(PlannedFault::new("fault", fault))
}

pub(crate) fn answer(answer: Answer) -> Plan {
    always(Fault::Answer(answer))
}

pub(crate) fn delay(time: Duration) -> Plan {
    always(Fault::Delay(Latency::Fixed(time)))
}

pub(crate) fn harmed_body(fault: BodyFault) -> Plan {
    always(Fault::Body(fault))
}

pub(crate) fn at_most(calls: u32) -> Bounds {
    Bounds::default().max_active(calls)
}

/// A service with an injector that responds to every request with `hello, world`.
pub(crate) fn greeter(injector: &Injector) -> ChaosService<impl Greeter, HttpCalls> {
    ChaosLayer::client(injector).layer(service_fn(|_: Request<()>| async {
        Ok::<_, BoxError>(Response::new(Full::from("hello, world")))
    }))
}

pub(crate) trait Greeter:
    Service<Request<()>, Response = Response<Full<bytes::Bytes>>, Error = BoxError, Future: Send>
    + Clone
    + Send
    + 'static
{
}

impl<S> Greeter for S where
    S: Service<
            Request<()>,
            Response = Response<Full<bytes::Bytes>>,
            Error = BoxError,
            Future: Send,
        > + Clone
        + Send
        + 'static
{
}

pub(crate) async fn call<S>(service: &S) -> Result<S::Response, BoxError>
where
    S: Service<Request<()>, Error = BoxError> + Clone,
{
    service.clone().oneshot(Request::new(())).await
}

/// Whether an error is an injected one.
pub(crate) fn is_injected(error: &BoxError) -> bool {
    Rejection::find(&**error).map(Rejection::reason) == Some(Reason::FaultInjected)
}
