use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use buttress_core::BoxError;
use buttress_core::chaos::BodyFault;
use buttress_http::GuardedBody;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project::pin_project;

use crate::damage::{Damage, Step};
use crate::injection::Injection;
use crate::shared::{Place, Shared};

/// The response body of a [`ChaosService`](crate::ChaosService), unchanged or with a fault.
#[pin_project]
pub struct FaultyBody<B>(#[pin] State<B>);

#[pin_project(project = StateProjection)]
enum State<B> {
    /// The body of an injected response.
    Empty,
    /// Boxed, so that an unaffected body grows only by a discriminant.
    Affected(Pin<Box<Affected<B>>>),
    /// Unaffected, but the guard of the plan records how it ends.
    Recorded(Pin<Box<GuardedBody<B, Injection>>>),
    Untouched(#[pin] B),
}

#[pin_project]
struct Affected<B> {
    #[pin]
    inner: B,
    tampering: Damage,
}

impl<B> FaultyBody<B> {
    #[inline]
    pub(crate) fn untouched(inner: B) -> Self {
        Self(State::Untouched(inner))
    }

    pub(crate) fn empty() -> Self {
        Self(State::Empty)
    }

    pub(crate) fn recorded(inner: GuardedBody<B, Injection>) -> Self {
        Self(State::Recorded(Box::pin(inner)))
    }

    pub(crate) fn affected(
        inner: B,
        fault: BodyFault,
        shared: &Arc<Shared>,
        place: Option<Place>,
    ) -> Self {
        let tampering = Damage::new(fault, shared, place);
        Self(State::Affected(Box::pin(Affected { inner, tampering })))
    }
}

impl<B> Body for FaultyBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    #[inline]
    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.project().0.project() {
            StateProjection::Empty => Poll::Ready(None),
            StateProjection::Affected(affected) => affected.as_mut().poll_frame(cx),
            StateProjection::Recorded(recorded) => recorded.as_mut().poll_frame(cx),
            StateProjection::Untouched(inner) => inner.poll_frame(cx).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            State::Empty => true,
            // The fault determines the end.
            State::Affected(affected) => affected.tampering.is_over(),
            State::Recorded(recorded) => recorded.is_end_stream(),
            State::Untouched(inner) => inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            State::Empty => SizeHint::with_exact(0),
            State::Affected(_) => SizeHint::default(),
            State::Recorded(recorded) => recorded.size_hint(),
            State::Untouched(inner) => inner.size_hint(),
        }
    }
}

impl<B> Affected<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut this = self.project();
        loop {
            match ready!(this.tampering.poll(cx)) {
                Step::End => return Poll::Ready(None),
                Step::Give(frame) => return Poll::Ready(Some(frame)),
                Step::Take => {}
            }
            let frame = ready!(this.inner.as_mut().poll_frame(cx));
            this.tampering
                .take(frame.map(|frame| frame.map_err(Into::into)));
        }
    }
}

/// An empty body, for outer layers that respond in place of the service.
impl<B> Default for FaultyBody<B> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<B: fmt::Debug> fmt::Debug for FaultyBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            State::Empty => f.write_str("FaultyBody::Empty"),
            State::Affected(affected) => f
                .debug_tuple("FaultyBody::Affected")
                .field(&affected.inner)
                .finish(),
            State::Recorded(recorded) => f
                .debug_tuple("FaultyBody::Recorded")
                .field(recorded)
                .finish(),
            State::Untouched(inner) => f.debug_tuple("FaultyBody::Untouched").field(inner).finish(),
        }
    }
}
