use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use buttress_core::BoxError;
use buttress_http::{Ticket, was_never_processed};
use http::Request;
use pin_project::pin_project;
use tower_service::Service;

/// A client that sends each request once, to one peer: a hyper-util client, a tonic channel.
///
/// A [retry](crate::retry) repeats a request that is not idempotent only if the dependency did not process it. The
/// error alone is no evidence: "connection refused" may come after a redirect. `Direct` states that the inner client
/// follows no redirects, so a refused connection or stream is that of the request itself.
///
/// ```
/// use buttress::Direct;
/// use buttress::retry::{Retry, RetryConfig, RetryLayer};
/// use tower::ServiceBuilder;
///
/// # fn example<C>(client: C) {
/// let retry = Retry::new("orders", RetryConfig::default());
/// let orders = ServiceBuilder::new()
///     .layer(RetryLayer::client(&retry))
///     .service(Direct::new(client));
/// # }
/// ```
///
/// Responses and errors are those of the inner client, errors in a [`BoxError`].
#[derive(Debug, Clone, Copy)]
pub struct Direct<C> {
    client: C,
}

impl<C> Direct<C> {
    /// Wraps a client that follows no redirects and does not retry.
    pub const fn new(client: C) -> Self {
        Self { client }
    }

    /// Returns the inner client.
    pub fn into_inner(self) -> C {
        self.client
    }
}

impl<C, B> Service<Request<B>> for Direct<C>
where
    C: Service<Request<B>>,
    C::Error: Into<BoxError>,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = DirectFuture<C::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.client.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let ticket = Ticket::take(request.extensions_mut());
        DirectFuture {
            response: self.client.call(request),
            ticket,
        }
    }
}

/// The response future of [`Direct`].
#[pin_project]
pub struct DirectFuture<F> {
    #[pin]
    response: F,
    /// Returned if the request was not sent.
    ticket: Option<Ticket>,
}

impl<F, R, E> Future for DirectFuture<F>
where
    F: Future<Output = Result<R, E>>,
    E: Into<BoxError>,
{
    type Output = Result<R, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.response.poll(cx)).map_err(Into::into);
        if let Some(ticket) = this.ticket.take()
            && let Err(error) = &result
            && was_never_processed(&**error)
        {
            ticket.never_sent();
        }
        Poll::Ready(result)
    }
}

impl<F> fmt::Debug for DirectFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectFuture").finish_non_exhaustive()
    }
}
