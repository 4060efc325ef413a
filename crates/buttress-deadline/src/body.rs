use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use buttress_core::{BoxError, Rejection, TaskContext};
use buttress_http::grpc::{self, GrpcCode};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project::pin_project;

use crate::deadline_timer::{DeadlineTimer, Tail};
use crate::held::{Found, Slot};

/// A response body that ends at its deadline, whether its reader polls it or not.
///
/// Frames, errors, [`size_hint`](Body::size_hint) and [`is_end_stream`](Body::is_end_stream) are those of the inner
/// body, which is polled in the context of the call's task. If the body has not ended at the deadline, it is dropped
/// then, with everything it holds: slots of a bulkhead, connections, buffers. At the reader's next poll, a gRPC
/// stream ends with the trailers of `DEADLINE_EXCEEDED`, and any other body with a [`Rejection`].
///
/// A body without a deadline, or one that ends with its head, is not wrapped. Any other body needs two allocations
/// and a timer. At the deadline it is dropped by the thread that runs the timers of the runtime, so its drop must not
/// block. Without timers, the body ends when it is polled.
#[pin_project]
pub struct DeadlineBody<B>(#[pin] State<B>);

#[pin_project(project = StateProjection)]
enum State<B> {
    Unwatched {
        #[pin]
        body: B,
        context: Option<TaskContext>,
    },
    Watched(Watched<B>),
    /// The inner body is dropped; this was its size hint.
    Over(SizeHint),
}

/// A body that a timer ends.
struct Watched<B> {
    slot: Arc<Slot<B>>,
    context: Option<TaskContext>,
    size_hint: SizeHint,
    is_grpc: bool,
}

impl<B: Body + Send + 'static> DeadlineBody<B> {
    /// Wraps the body of a response, if it has a deadline.
    #[inline]
    pub(crate) fn follow(
        response: Response<B>,
        context: Option<TaskContext>,
        watch: Option<DeadlineTimer>,
    ) -> Response<Self> {
        let tail = match watch {
            Some(watch) if !response.body().is_end_stream() => watch.tail(),
            _ => None,
        };
        let Some(tail) = tail else {
            return response.map(|body| Self(State::Unwatched { body, context }));
        };
        let is_grpc = grpc::is_grpc(response.headers().get(CONTENT_TYPE));
        response.map(|body| {
            Self(State::Watched(Watched {
                size_hint: body.size_hint(),
                slot: Slot::hold(body, tail),
                context,
                is_grpc,
            }))
        })
    }
}

impl<B> Body for DeadlineBody<B>
where
    B: Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        let mut state = self.project().0;
        match state.as_mut().project() {
            StateProjection::Unwatched { body, context } => {
                poll_in(context, || body.poll_frame(cx)).map_err(Into::into)
            }
            StateProjection::Watched(watched) => {
                let (polled, is_over) = watched.poll_frame(cx);
                if is_over {
                    let size_hint = watched.size_hint;
                    state.set(State::Over(size_hint));
                }
                polled
            }
            StateProjection::Over(_) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            State::Unwatched { body, .. } => body.is_end_stream(),
            State::Watched(_) => false,
            State::Over(_) => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            State::Unwatched { body, .. } => body.size_hint(),
            State::Watched(watched) => watched.size_hint,
            State::Over(size_hint) => *size_hint,
        }
    }
}

impl<B> Watched<B>
where
    B: Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    /// The result for the reader, and whether it is the last.
    #[expect(clippy::type_complexity, reason = "the result of a poll, and a flag")]
    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> (Poll<Option<Result<Frame<B::Data>, BoxError>>>, bool) {
        let mut held = match self.slot.take() {
            Found::Body(held) => held,
            Found::Ended(rejection) => return (self.end(rejection), true),
            Found::Nothing => return (Poll::Ready(None), true),
        };
        let this = held.as_mut().project();
        let mut body = this.body;
        let polled = poll_in(&mut self.context, || body.as_mut().poll_frame(cx));
        let is_late = match &polled {
            Poll::Pending => {
                if let Some(tail) = this.tail {
                    tail.ask();
                }
                let reader = this.reader;
                if !reader
                    .as_ref()
                    .is_some_and(|known| known.will_wake(cx.waker()))
                {
                    *reader = Some(cx.waker().clone());
                }
                false
            }
            Poll::Ready(Some(Ok(frame))) if frame.is_data() && !body.is_end_stream() => {
                self.size_hint = body.size_hint();
                this.tail.as_mut().is_some_and(Tail::is_late)
            }
            // The last frame is returned even if it is late.
            Poll::Ready(_) => {
                self.size_hint = body.size_hint();
                return (polled.map_err(Into::into), true);
            }
        };
        match self.slot.put(held, is_late) {
            Some(rejection) => (self.end(rejection), true),
            None => (polled.map_err(Into::into), false),
        }
    }

    /// Returns the error or the trailers of an ended body.
    fn end(&mut self, rejection: Rejection) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        self.size_hint = SizeHint::with_exact(0);
        Poll::Ready(Some(if self.is_grpc {
            Ok(Frame::trailers(deadline_exceeded()))
        } else {
            Err(rejection.into())
        }))
    }
}

impl<B> Drop for Watched<B> {
    fn drop(&mut self) {
        self.slot.clear();
    }
}

fn poll_in<R>(context: &mut Option<TaskContext>, poll: impl FnOnce() -> R) -> R {
    match context {
        Some(context) => context.enter(poll),
        None => poll(),
    }
}

/// A body without a deadline, for outer layers that respond in place of the service.
impl<B: Default> Default for DeadlineBody<B> {
    fn default() -> Self {
        Self(State::Unwatched {
            body: B::default(),
            context: None,
        })
    }
}

impl<B: fmt::Debug> fmt::Debug for DeadlineBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("DeadlineBody");
        match &self.0 {
            State::Unwatched { body, .. } => out.field("body", body),
            State::Watched(watched) => out.field("size_hint", &watched.size_hint),
            State::Over(_) => out.field("is_over", &true),
        };
        out.finish_non_exhaustive()
    }
}

fn deadline_exceeded() -> HeaderMap {
    let message = HeaderValue::from_static("the deadline of the call passed before the response");
    HeaderMap::from_iter([
        (grpc::STATUS, GrpcCode::DeadlineExceeded.into()),
        (grpc::MESSAGE, message),
    ])
}
