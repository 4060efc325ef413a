use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use buttress_core::{BoxError, Identify, PanicWatch, Plain, Protocol};
use buttress_shell::refuse;
use pin_project::pin_project;
use tower_service::Service;

use crate::BreakerGuard;

/// The response future of [`BreakerService`](crate::BreakerService), or the breaker's rejection.
#[pin_project]
pub struct ResponseFuture<F, P = Plain> {
    #[pin]
    state: State<F>,
    /// Settled, or `None`, once the call has ended.
    guard: Option<BreakerGuard>,
    protocol: P,
}

#[pin_project(project = StateProjection)]
enum State<F> {
    Admitted(#[pin] F),
    /// `None` once it has been returned.
    Rejected(Option<BoxError>),
}

impl<F, P: Clone> ResponseFuture<F, P> {
    /// Calls the service if the call was admitted.
    #[inline(always)]
    pub(crate) fn of<S, Req>(
        admission: Result<BreakerGuard, BoxError>,
        inner: &mut S,
        request: Req,
        protocol: &P,
        now: Instant,
    ) -> Self
    where
        S: Service<Req, Future = F> + Clone,
        P: Identify<Req>,
    {
        match admission {
            Ok(guard) => {
                let guard = guard.asked(protocol, &request, now);
                Self::admitted(inner, request, guard, protocol)
            }
            Err(rejection) => {
                refuse(inner, request);
                Self {
                    state: State::Rejected(Some(rejection)),
                    guard: None,
                    protocol: protocol.clone(),
                }
            }
        }
    }

    #[inline(always)]
    fn admitted<S, Req>(inner: &mut S, request: Req, guard: BreakerGuard, protocol: &P) -> Self
    where
        S: Service<Req, Future = F>,
    {
        let mut guard = Some(guard);
        let watch = PanicWatch::new(&mut guard);
        let future = inner.call(request);
        watch.disarm();
        Self {
            state: State::Admitted(future),
            guard,
            protocol: protocol.clone(),
        }
    }
}

impl<F, P, Res, E> Future for ResponseFuture<F, P>
where
    F: Future<Output = Result<Res, E>>,
    E: Into<BoxError>,
    P: Protocol<Res>,
{
    type Output = Result<P::Response<BreakerGuard>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.state.project() {
            StateProjection::Admitted(future) => {
                let watch = PanicWatch::new(this.guard);
                let polled = future.poll(cx);
                watch.disarm();
                let result = ready!(polled).map_err(Into::into);
                Poll::Ready(this.protocol.conclude(result, this.guard))
            }
            StateProjection::Rejected(rejection) => {
                let rejection = rejection.take().expect("polled after completion");
                Poll::Ready(Err(rejection))
            }
        }
    }
}

impl<F, P> fmt::Debug for ResponseFuture<F, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("admitted", &matches!(self.state, State::Admitted(_)))
            .finish_non_exhaustive()
    }
}
