use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use buttress_core::BoxError;
use http::Response;
use http_body::{Body, Frame, SizeHint};
use pin_project::pin_project;
use tower_layer::Layer;
use tower_service::Service;

/// An HTTP service with an optional layer.
///
/// Whether there is a layer depends on the file. `tower::util::Either` requires one response type; layers that follow
/// a call into its body have their own.
#[derive(Debug, Clone)]
pub enum MaybeService<A, S> {
    /// The file has the pattern.
    With(A),
    /// The file does not have the pattern.
    Without(S),
}

impl<A, S> MaybeService<A, S> {
    pub(super) fn new<L: Layer<S, Service = A>>(layer: Option<&L>, inner: S) -> Self {
        match layer {
            Some(layer) => Self::With(layer.layer(inner)),
            None => Self::Without(inner),
        }
    }
}

impl<A, S, Req, AB, SB> Service<Req> for MaybeService<A, S>
where
    A: Service<Req, Response = Response<AB>>,
    A::Error: Into<BoxError>,
    S: Service<Req, Response = Response<SB>>,
    S::Error: Into<BoxError>,
{
    type Response = Response<MaybeBody<AB, SB>>;
    type Error = BoxError;
    type Future = MaybeFuture<A::Future, S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self {
            Self::With(service) => service.poll_ready(cx).map_err(Into::into),
            Self::Without(service) => service.poll_ready(cx).map_err(Into::into),
        }
    }

    // The futures are long. Inlined, they are built in place instead of being moved.
    #[inline(always)]
    fn call(&mut self, request: Req) -> Self::Future {
        match self {
            Self::With(service) => MaybeFuture::With(service.call(request)),
            Self::Without(service) => MaybeFuture::Without(service.call(request)),
        }
    }
}

/// The response future of [`MaybeService`].
#[pin_project(project = MaybeFutureProjection)]
#[derive(Debug)]
pub enum MaybeFuture<A, S> {
    /// With the layer.
    With(#[pin] A),
    /// Without the layer.
    Without(#[pin] S),
}

impl<A, S, AB, SB, AE, SE> Future for MaybeFuture<A, S>
where
    A: Future<Output = Result<Response<AB>, AE>>,
    AE: Into<BoxError>,
    S: Future<Output = Result<Response<SB>, SE>>,
    SE: Into<BoxError>,
{
    type Output = Result<Response<MaybeBody<AB, SB>>, BoxError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            MaybeFutureProjection::With(future) => future.poll(cx).map(|result| match result {
                Ok(response) => Ok(response.map(MaybeBody::With)),
                Err(error) => Err(error.into()),
            }),
            MaybeFutureProjection::Without(future) => future.poll(cx).map(|result| match result {
                Ok(response) => Ok(response.map(MaybeBody::Without)),
                Err(error) => Err(error.into()),
            }),
        }
    }
}

/// The response body of [`MaybeService`].
#[pin_project(project = MaybeBodyProjection)]
#[derive(Debug)]
pub enum MaybeBody<A, S> {
    /// With the layer.
    With(#[pin] A),
    /// Without the layer.
    Without(#[pin] S),
}

impl<A, S> Body for MaybeBody<A, S>
where
    A: Body,
    A::Error: Into<BoxError>,
    S: Body<Data = A::Data>,
    S::Error: Into<BoxError>,
{
    type Data = A::Data;
    type Error = BoxError;

    #[inline]
    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<A::Data>, BoxError>>> {
        match self.project() {
            MaybeBodyProjection::With(body) => body.poll_frame(cx).map_err(Into::into),
            MaybeBodyProjection::Without(body) => body.poll_frame(cx).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::With(body) => body.is_end_stream(),
            Self::Without(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::With(body) => body.size_hint(),
            Self::Without(body) => body.size_hint(),
        }
    }
}

/// A body without the layer, for outer layers that respond in place of the service.
impl<A, S: Default> Default for MaybeBody<A, S> {
    fn default() -> Self {
        Self::Without(S::default())
    }
}
