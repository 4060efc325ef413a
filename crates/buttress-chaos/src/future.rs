use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use buttress_core::BoxError;
use pin_project::pin_project;

use crate::injection::{Injection, Next};
use crate::protocol::{InjectResponse, PlainCalls};

/// The response future of [`ChaosService`](crate::ChaosService), with or without a fault.
#[pin_project]
pub struct ResponseFuture<F, P = PlainCalls> {
    #[pin]
    state: State<F>,
    protocol: PhantomData<fn() -> P>,
}

/// The state of an armed injector is boxed, so that a disarmed one adds only a discriminant.
#[pin_project(project = StateProjection)]
enum State<F> {
    Affected(Pin<Box<Affected<F>>>),
    Untouched(#[pin] F),
}

#[pin_project]
struct Affected<F> {
    /// `None` if the injector responds in its place.
    #[pin]
    inner: Option<F>,
    /// `None` once the call has ended.
    injection: Option<Injection>,
}

impl<F, P> ResponseFuture<F, P> {
    #[inline]
    pub(crate) fn untouched(inner: F) -> Self {
        Self::new(State::Untouched(inner))
    }

    pub(crate) fn affected(inner: Option<F>, injection: Injection) -> Self {
        let injection = Some(injection);
        Self::new(State::Affected(Box::pin(Affected { inner, injection })))
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
            StateProjection::Affected(affected) => affected.as_mut().poll::<P, Res, E>(cx),
        }
    }
}

impl<F> Affected<F> {
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
        let waiting = this.injection.as_mut().expect("polled after completion");
        let result = match ready!(waiting.poll(cx)) {
            Next::Answer(answer) => Err(answer),
            Next::Go => {
                let inner = this.inner.as_pin_mut();
                let inner = inner.expect("called unless there is an injected response");
                Ok(ready!(inner.poll(cx)).map_err(Into::into))
            }
        };
        let injection = this.injection.take().expect("it waited");
        Poll::Ready(match result {
            Ok(result) => P::tamper(result, injection),
            Err(answer) => P::answer(&answer, injection),
        })
    }
}

impl<F, P> fmt::Debug for ResponseFuture<F, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("affected", &matches!(self.state, State::Affected(_)))
            .finish_non_exhaustive()
    }
}
