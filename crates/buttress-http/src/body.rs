use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use buttress_core::{BoxError, Guard, PanicWatch, Turn};
use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use pin_project::pin_project;

use crate::ending_body::EndingBody;

/// A response body that holds a guard until the call ends.
///
/// Frames, [`size_hint`](Body::size_hint) and [`is_end_stream`](Body::is_end_stream) are those of the inner body.
/// Errors are passed through in a [`BoxError`].
///
/// | end of the body | the guard is settled with |
/// |---|---|
/// | ends, with or without trailers | the outcome of the head, or of the trailers if the head has none |
/// | ends with a timeout error, or with `DEADLINE_EXCEEDED` after a part of the body | nothing: the duration of a body depends on its reader |
/// | ends before its `content-length` | a transport failure |
/// | ends without trailers, and the head has no outcome | a transport failure |
/// | fails | the outcome of the error ([`Classify::body_error`](crate::Classify::body_error)): a transport failure, unless it is more specific |
/// | panics | an error |
/// | is dropped unread | the outcome of the head: the caller needed only the head |
/// | is dropped half read | nothing: the call is cancelled |
///
/// A failure in the head is final, whatever happens to the body, except for a panic.
#[pin_project]
pub struct GuardedBody<B, G: Guard> {
    #[pin]
    body: B,
    // Declared after the body, so that the guard is dropped after the body.
    tail: Option<EndingBody<G>>,
}

impl<B, G: Guard> GuardedBody<B, G> {
    pub(crate) fn new(body: B, tail: Option<EndingBody<G>>) -> Self {
        Self { body, tail }
    }
}

impl<B, G> Body for GuardedBody<B, G>
where
    B: Body,
    B::Error: Into<BoxError>,
    G: Guard,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        let mut this = self.project();
        let Some(tail) = this.tail else {
            return this.body.poll_frame(cx).map_err(Into::into);
        };
        tail.read();

        let watch = PanicWatch::new(this.tail);
        let polled = this.body.as_mut().poll_frame(cx);
        // A reader that sees this hint after the last frame does not poll for the end, but drops the body.
        let is_end_stream = polled.is_ready() && this.body.is_end_stream();
        watch.disarm();
        let polled = polled.map_err(Into::into);

        if let Poll::Ready(frame) = &polled {
            let tail = this.tail.take();
            *this.tail = tail.and_then(|tail| advance(tail, frame.as_ref(), is_end_stream));
        } else if let Some(tail) = this.tail {
            tail.pass_turn(Turn::Service);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A body without a guard, for outer layers that respond in place of the service.
impl<B: Default, G: Guard> Default for GuardedBody<B, G> {
    fn default() -> Self {
        Self::new(B::default(), None)
    }
}

impl<B: fmt::Debug, G: Guard> fmt::Debug for GuardedBody<B, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedBody")
            .field("body", &self.body)
            .field("is_settled", &self.tail.is_none())
            .finish()
    }
}

/// Passes a frame to `tail`, and returns `tail` unless the call has ended.
fn advance<D: Buf, G: Guard>(
    mut tail: EndingBody<G>,
    frame: Option<&Result<Frame<D>, BoxError>>,
    is_end_stream: bool,
) -> Option<EndingBody<G>> {
    match frame {
        None => tail.end(None),
        Some(Err(error)) => tail.fail(&**error),
        Some(Ok(frame)) => {
            if let Some(data) = frame.data_ref() {
                tail.receive(data.remaining());
            }
            let trailers = frame.trailers_ref();
            if trailers.is_none() && !is_end_stream {
                tail.pass_turn(Turn::Reader);
                return Some(tail);
            }
            tail.end(trailers);
        }
    }
    None
}
