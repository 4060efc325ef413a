use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use buttress_core::BoxError;
use pin_project::pin_project;

use crate::injection::{Injection, Next};
use crate::protocol::{InjectResponse, PlainCalls};

/// The response of a service behind an injector, or what the injector makes of it.
#[pin_project]
pub struct ResponseFuture<F, P = PlainCalls> {
    #[pin]
    state: State<F>,
    protocol: PhantomData<fn() -> P>,
}

/// What an armed injector does is in a box, so that a disarmed one adds a discriminant and nothing else.
#[pin_project(project = StateProjection)]
enum State<F> {
    Meddled(Pin<Box<Meddled<F>>>),
    Untouched(#[pin] F),
}

#[pin_project]
struct Meddled<F> {
    /// `None` where the injector answers in its place.
    #[pin]
    inner: Option<F>,
    /// `None` once the call has ended.
    meddling: Option<Injection>,
}

impl<F, P> ResponseFuture<F, P> {
    #[inline]
    pub(crate) fn untouched(inner: F) -> Self {
        Self::new(State::Untouched(inner))
    }

    pub(crate) fn meddled(inner: Option<F>, meddling: Injection) -> Self {
        let meddling = Some(meddling);
        Self::new(State::Meddled(Box::pin(Meddled { inner, meddling })))
    }

    #[inline]
    fn new(state: State<F>) -> Self {
        Self {
            state,
            protocol: PhantomData,
        }
    }
}

impl<F, P, Res, E> Future for ResponseFuture<F, P>
where
    F: Future<Output = Result<Res, E>>,
    E: Into<BoxError>,
    P: InjectResponse<Res>,
{
    type Output = Result<P::Response, BoxError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Untouched(inner) => inner.poll(cx).map_err(Into::into).map_ok(P::pass),
            StateProjection::Meddled(meddled) => meddled.as_mut().poll::<P, Res, E>(cx),
        }
    }
}

impl<F> Meddled<F> {
    #[cold]
    fn poll<P, Res, E>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<P::Response, BoxError>>
    where
        F: Future<Output = Result<Res, E>>,
        E: Into<BoxError>,
        P: InjectResponse<Res>,
    {
        let this = self.project();
        let waiting = this.meddling.as_mut().expect("polled after completion");
        let result = match ready!(waiting.poll(cx)) {
            Next::Answer(answer) => Err(answer),
            Next::Go => {
                let inner = this.inner.as_pin_mut();
                let inner = inner.expect("called, for want of an answer");
                Ok(ready!(inner.poll(cx)).map_err(Into::into))
            }
        };
        let meddling = this.meddling.take().expect("it waited");
        Poll::Ready(match result {
            Ok(result) => P::tamper(result, meddling),
            Err(answer) => P::answer(&answer, meddling),
        })
    }
}

impl<F, P> fmt::Debug for ResponseFuture<F, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("meddled", &matches!(self.state, State::Meddled(_)))
            .finish_non_exhaustive()
    }
}
