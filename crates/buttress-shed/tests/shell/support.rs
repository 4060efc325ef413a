use std::pin::Pin;
use std::task::Poll;

use ::http::{Request, Response};
use buttress_core::{BoxError, Reason, Rejection};
use buttress_shed::{Criticality, Server, ShedConfig, ShedLayer, ShedService, Shedder};
use buttress_testkit::{CountingWaker, ProbeHandle, ReadyProbe, Script, TestBody};
use tower::{Layer, Service, ServiceExt, service_fn};

/// A shedder with a number of slots, and a queue.
pub(crate) fn shedder(limit: u32, queue: usize) -> Shedder {
    let config = ShedConfig::default().limit(limit).queue(queue);
    Shedder::new("test", config)
}

/// A service with `shedder`, as on a server, and a handle to the inner service.
pub(crate) fn behind(shedder: &Shedder) -> (ShedService<ReadyProbe, Server>, ProbeHandle) {
    let (inner, probe) = ReadyProbe::new();
    (ShedLayer::server(shedder).layer(inner), probe)
}

pub(crate) fn request() -> Request<TestBody> {
    Request::new(TestBody::empty())
}

/// A request with a criticality header.
pub(crate) fn with_criticality(criticality: &str) -> Request<TestBody> {
    let mut request = request();
    let value = criticality.parse().expect("a valid header value");
    request.headers_mut().insert("x-criticality", value);
    request
}

/// A call that takes a number of polls.
pub(crate) fn slow(polls: usize) -> Script<Response<TestBody>> {
    Script::new().pending(polls).ok(Response::default())
}

/// Makes one call with a clone of `service`, as a server does.
pub(crate) async fn call<S>(
    service: &S,
    request: Request<TestBody>,
) -> Result<S::Response, BoxError>
where
    S: Service<Request<TestBody>, Error = BoxError> + Clone,
{
    service.clone().oneshot(request).await
}

/// Starts a call with a clone of `service` that is pending, or returns its rejection.
pub(crate) fn try_begin<S>(
    service: &S,
    request: Request<TestBody>,
) -> Result<Pin<Box<S::Future>>, Option<Reason>>
where
    S: Service<Request<TestBody>, Error = BoxError> + Clone,
{
    let mut service = service.clone();
    let task = CountingWaker::new();
    assert!(task.poll(|cx| service.poll_ready(cx)).is_ready());
    let mut future = Box::pin(service.call(request));
    match task.poll_future(future.as_mut()) {
        Poll::Pending => Ok(future),
        Poll::Ready(result) => Err(reason(&result)),
    }
}

/// Starts a call with a clone of `service` that is pending.
pub(crate) fn begin<S>(service: &S, request: Request<TestBody>) -> Pin<Box<S::Future>>
where
    S: Service<Request<TestBody>, Error = BoxError> + Clone,
{
    try_begin(service, request).unwrap_or_else(|why| panic!("it has ended: {why:?}"))
}

/// The reason, if a call was rejected.
pub(crate) fn reason<T>(result: &Result<T, BoxError>) -> Option<Reason> {
    let error = result.as_ref().err()?;
    Rejection::find(&**error).map(Rejection::reason)
}

/// The criticality in a handler inside `layer`.
pub(crate) async fn criticality_inside(
    layer: &ShedLayer<Server>,
    request: Request<TestBody>,
) -> Option<Criticality> {
    let handler = service_fn(|_: Request<TestBody>| async {
        let mut response = Response::new(TestBody::empty());
        if let Some(criticality) = Criticality::current() {
            response.extensions_mut().insert(criticality);
        }
        Ok::<_, BoxError>(response)
    });
    let response = layer
        .layer(handler)
        .oneshot(request)
        .await
        .expect("the handler responds");
    response.extensions().get().copied()
}
