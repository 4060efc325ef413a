use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use tower_service::Service;

use crate::TestBody;

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Answer = Result<Response<ErasedBody>, BoxError>;
pub(crate) type AnswerFuture = Pin<Box<dyn Future<Output = Answer>>>;

/// The service under test with its types erased, so that each invariant is a plain function.
pub(crate) struct Subject(Box<dyn Erased>);

impl Subject {
    pub(crate) fn new<S, B>(service: S) -> Self
    where
        S: Service<Request<TestBody>, Response = Response<B>> + Clone + 'static,
        S::Error: Into<BoxError>,
        B: Body + 'static,
        B::Error: Into<BoxError>,
    {
        Self(Box::new(service))
    }

    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx)
    }

    pub(crate) fn call(&mut self, request: Request<TestBody>) -> AnswerFuture {
        self.0.call(request)
    }
}

impl Clone for Subject {
    fn clone(&self) -> Self {
        self.0.fork()
    }
}

trait Erased {
    fn fork(&self) -> Subject;
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>>;
    fn call(&mut self, request: Request<TestBody>) -> AnswerFuture;
}

impl<S, B> Erased for S
where
    S: Service<Request<TestBody>, Response = Response<B>> + Clone + 'static,
    S::Error: Into<BoxError>,
    B: Body + 'static,
    B::Error: Into<BoxError>,
{
    fn fork(&self) -> Subject {
        Subject(Box::new(self.clone()))
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Service::poll_ready(self, cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<TestBody>) -> AnswerFuture {
        let future = Service::call(self, request);
        Box::pin(async move {
            match future.await {
                Ok(response) => Ok(response.map(ErasedBody::new)),
                Err(error) => Err(error.into()),
            }
        })
    }
}

/// A response body with its type erased.
pub(crate) struct ErasedBody(Pin<Box<dyn Body<Data = Bytes, Error = BoxError>>>);

impl ErasedBody {
    pub(crate) fn new<B>(body: B) -> Self
    where
        B: Body + 'static,
        B::Error: Into<BoxError>,
    {
        Self(Box::pin(Plainly(Box::pin(body))))
    }
}

impl Body for ErasedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.0.as_mut().poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

/// A body with `Bytes` as data and a boxed error.
struct Plainly<B>(Pin<Box<B>>);

impl<B> Body for Plainly<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.0.as_mut().poll_frame(cx).map(|frame| {
            frame.map(|frame| match frame {
                Ok(frame) => Ok(frame.map_data(|mut data| data.copy_to_bytes(data.remaining()))),
                Err(error) => Err(error.into()),
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
