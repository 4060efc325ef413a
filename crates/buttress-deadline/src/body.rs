use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use buttress_core::{BoxError, Ending, TaskContext};
use buttress_http::grpc::{self, GrpcCode};
use buttress_metrics::Phase;
use buttress_shell::Timer;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project::pin_project;

use crate::watch::{Tail, Watch};

/// A response body that is over by its deadline.
///
/// Frames, errors, [`size_hint`](Body::size_hint) and [`is_end_stream`](Body::is_end_stream) are those of the body
/// within, which is polled in the context of the call's task. If it has not ended in time, it is dropped: over gRPC
/// the stream then ends with the trailers of `DEADLINE_EXCEEDED`, otherwise with a
/// [`Rejection`](buttress_core::Rejection). A reader who does not poll is not interrupted.
#[pin_project]
pub struct DeadlineBody<B> {
    /// `None` once its time was over.
    #[pin]
    body: Option<B>,
    context: Option<TaskContext>,
    /// `None` if there is no deadline.
    tail: Option<Tail>,
    is_grpc: bool,
    #[pin]
    timer: Timer,
}

impl<B: Body> DeadlineBody<B> {
    /// Follows a response to the end of its body.
    #[inline]
    pub(crate) fn follow(
        response: Response<B>,
        context: Option<TaskContext>,
        watch: Option<Watch>,
    ) -> Response<Self> {
        let tail = match watch {
            Some(watch) if !response.body().is_end_stream() => watch.tail(),
            _ => None,
        };
        let is_grpc = tail.is_some() && grpc::is_grpc(response.headers().get(CONTENT_TYPE));
        response.map(|body| Self {
            body: Some(body),
            context,
            tail,
            is_grpc,
            timer: Timer::default(),
        })
    }
}

impl<B> Body for DeadlineBody<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        let mut this = self.project();
        let Some(mut body) = this.body.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        let polled = match this.context {
            Some(context) => context.enter(|| body.as_mut().poll_frame(cx)),
            None => body.as_mut().poll_frame(cx),
        };
        let polled = polled.map_err(Into::into);
        let Some(tail) = this.tail else {
            return polled;
        };

        let overdue = match &polled {
            Poll::Pending => tail.poll(this.timer, cx),
            Poll::Ready(Some(Ok(frame)))
                if frame.is_data() && !body.is_end_stream() && tail.is_late() =>
            {
                Poll::Ready(Phase::BodyEnd)
            }
            Poll::Ready(_) => Poll::Pending,
        };
        let Poll::Ready(phase) = overdue else {
            return polled;
        };
        match this.tail.take().and_then(|tail| tail.end(phase)) {
            None => polled,
            Some(rejection) => {
                Ending::Expired.during(|| this.body.set(None));
                Poll::Ready(Some(if *this.is_grpc {
                    Ok(Frame::trailers(deadline_exceeded()))
                } else {
                    Err(rejection.into())
                }))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let over = || SizeHint::with_exact(0);
        self.body.as_ref().map_or_else(over, Body::size_hint)
    }
}

/// A body without a deadline, for layers above that answer in place of the service.
impl<B: Default> Default for DeadlineBody<B> {
    fn default() -> Self {
        Self {
            body: Some(B::default()),
            context: None,
            tail: None,
            is_grpc: false,
            timer: Timer::default(),
        }
    }
}

impl<B: fmt::Debug> fmt::Debug for DeadlineBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadlineBody")
            .field("body", &self.body)
            .field("has_deadline", &self.tail.is_some())
            .finish_non_exhaustive()
    }
}

fn deadline_exceeded() -> HeaderMap {
    let message = HeaderValue::from_static("the call was not answered within the time it had");
    HeaderMap::from_iter([
        (grpc::STATUS, GrpcCode::DeadlineExceeded.into()),
        (grpc::MESSAGE, message),
    ])
}
