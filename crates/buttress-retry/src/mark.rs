use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use buttress_core::TaskContext;
use buttress_http::{Classify, HttpClassifier, RETRY, grpc};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response};
use pin_project::pin_project;
use tower_layer::Layer;
use tower_service::Service;

/// Marks the failed responses of a server as not retryable, if a call of the server has already been retried without
/// success.
///
/// Without it, each tier multiplies the attempts of the tier below: three tiers of three attempts are 27 at the
/// bottom for one request at the top. With it, only the lowest tier retries, and the others pass the mark on: as
/// `x-buttress-retry: no`, which [`RetryLayer`](crate::RetryLayer) respects, and for gRPC as `grpc-retry-pushback-ms:
/// -1`, which every gRPC client respects.
///
/// Place it outermost on the server, around a `ProblemLayer`. The retries of a task that a handler spawns are not
/// observed.
///
/// ```
/// use buttress_retry::RetryMark;
/// use tower::ServiceBuilder;
///
/// let server = ServiceBuilder::new()
///     .layer(RetryMark)
///     .service_fn(|_: http::Request<()>| async { Ok::<_, std::io::Error>(http::Response::new(())) });
/// # let _ = server;
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct RetryMark;

impl<S> Layer<S> for RetryMark {
    type Service = RetryMarkService<S>;

    fn layer(&self, inner: S) -> RetryMarkService<S> {
        RetryMarkService { inner }
    }
}

/// A service with a [`RetryMark`].
#[derive(Debug, Clone)]
pub struct RetryMarkService<S> {
    inner: S,
}

impl<S, Req, Res> Service<Request<Req>> for RetryMarkService<S>
where
    S: Service<Request<Req>, Response = Response<Res>>,
{
    type Response = Response<Res>;
    type Error = S::Error;
    type Future = RetryMarkFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Req>) -> Self::Future {
        let mut context = TaskContext::current();
        let future = context.enter(|| self.inner.call(request));
        RetryMarkFuture { future, context }
    }
}

/// The response future of [`RetryMarkService`].
#[pin_project]
#[derive(Debug)]
pub struct RetryMarkFuture<F> {
    #[pin]
    future: F,
    context: TaskContext,
}

impl<F, B, E> Future for RetryMarkFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut response = ready!(this.context.enter(|| this.future.poll(cx)))?;
        if this.context.retries_are_spent() {
            mark(&mut response);
        }
        Poll::Ready(Ok(response))
    }
}

/// Marks a response if it is a failure. A success is never retried.
fn mark<B>(response: &mut Response<B>) {
    let head = HttpClassifier::client().head(response.status(), response.headers());
    if !head.is_some_and(|report| report.outcome.is_failure()) {
        return;
    }
    let is_grpc = grpc::is_grpc(response.headers().get(CONTENT_TYPE));
    let headers = response.headers_mut();
    headers.insert(RETRY, HeaderValue::from_static("no"));
    if is_grpc {
        headers.insert(grpc::PUSHBACK, HeaderValue::from_static("-1"));
    }
}
