use buttress_core::{BoxError, Reason, Rejection};
use buttress_shed::{ShedConfig, Shedder};
use buttress_testkit::TestBody;
use http::Request;
use tower::{Service, ServiceExt};

/// A shedder with so many places, and so many who may wait.
pub(crate) fn shedder(limit: u32, queue: usize) -> Shedder {
    let config = ShedConfig::default().limit(limit).queue(queue);
    Shedder::new("test", config)
}

pub(crate) fn request() -> Request<TestBody> {
    Request::new(TestBody::empty())
}

/// Makes one call with a clone of `service`, as a server would.
pub(crate) async fn call<S>(
    service: &S,
    request: Request<TestBody>,
) -> Result<S::Response, BoxError>
where
    S: Service<Request<TestBody>, Error = BoxError> + Clone,
{
    service.clone().oneshot(request).await
}

/// Why a call was rejected, if it was.
pub(crate) fn reason<T>(result: &Result<T, BoxError>) -> Option<Reason> {
    let error = result.as_ref().err()?;
    Rejection::find(&**error).map(Rejection::reason)
}
