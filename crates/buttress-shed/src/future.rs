use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use buttress_core::{BoxError, PanicWatch, Plain, Protocol, TaskContext};
use pin_project::pin_project;
use tower_service::Service;

use crate::ShedGuard;
use crate::queued::Queued;
use crate::wait::Wait;

/// The response of a service behind a shedder, or the shedder's rejection.
#[pin_project]
pub struct ResponseFuture<S: Service<Req>, Req, P = Plain> {
    #[pin]
    state: State<S, Req>,
    /// `None` before there is a slot, and once the call has ended.
    guard: Option<ShedGuard>,
    guise: CallContext<P>,
}

/// How a call is made and concluded.
#[derive(Debug)]
pub(crate) struct CallContext<P> {
    pub(crate) protocol: P,
    /// Task context for calls made while handling this request.
    pub(crate) context: Option<TaskContext>,
}

#[pin_project(project = StateProjection)]
enum State<S: Service<Req>, Req> {
    Admitted(#[pin] S::Future),
    /// Boxed, as the caller will have it. `None` once it has been returned.
    Rejected(Option<BoxError>),
    /// Boxed, so that futures that do not wait are small.
    Waiting(Pin<Box<Wait<S, Req>>>),
}

impl<P> CallContext<P> {
    #[inline]
    fn enter<R>(&mut self, run: impl FnOnce() -> R) -> R {
        match &mut self.context {
            Some(context) => context.enter(run),
            None => run(),
        }
    }
}

impl<S, Req, P> ResponseFuture<S, Req, P>
where
    S: Service<Req>,
    S::Error: Into<BoxError>,
{
    /// Calls a service that is ready.
    #[inline(always)]
    pub(crate) fn admitted(
        service: &mut S,
        request: Req,
        guard: ShedGuard,
        mut guise: CallContext<P>,
    ) -> Self {
        let mut guard = Some(guard);
        let watch = PanicWatch::new(&mut guard);
        let future = guise.enter(|| service.call(request));
        watch.disarm();
        Self {
            state: State::Admitted(future),
            guard,
            guise,
        }
    }

    pub(crate) fn rejected(rejection: BoxError, guise: CallContext<P>) -> Self {
        Self {
            state: State::Rejected(Some(rejection)),
            guard: None,
            guise,
        }
    }

    pub(crate) fn waiting(queued: Queued, service: S, request: Req, guise: CallContext<P>) -> Self {
        Self {
            state: State::Waiting(Box::pin(Wait::new(queued, service, request))),
            guard: None,
            guise,
        }
    }
}

impl<S, Req, P> Future for ResponseFuture<S, Req, P>
where
    S: Service<Req>,
    S::Error: Into<BoxError>,
    P: Protocol<S::Response>,
{
    type Output = Result<P::Response<ShedGuard>, BoxError>;

    // Rare cases are in functions of their own, so that the rest is small enough to be inlined.
    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if !matches!(self.state, State::Admitted(_)) {
            ready!(self.as_mut().poll_aside(cx))?;
        }
        let this = self.project();
        let StateProjection::Admitted(future) = this.state.project() else {
            return Poll::Pending;
        };
        let watch = PanicWatch::new(this.guard);
        let polled = this.guise.enter(|| future.poll(cx));
        watch.disarm();
        let result = ready!(polled).map_err(Into::into);
        let response = this.guise.protocol.conclude(result, this.guard);
        // A guard that did not move into a body ends here, and not when the caller drops this future.
        *this.guard = None;
        Poll::Ready(response)
    }
}

impl<S, Req, P> ResponseFuture<S, Req, P>
where
    S: Service<Req>,
    S::Error: Into<BoxError>,
{
    /// Waits until the call is made, or returns why it is not. Apart from the rest, which is then small enough to be
    /// part of its caller.
    #[cold]
    #[inline(never)]
    fn poll_aside(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        let mut this = self.project();
        match this.state.as_mut().project() {
            StateProjection::Admitted(_) => {}
            StateProjection::Rejected(rejection) => {
                return Poll::Ready(Err(rejection.take().expect("polled after completion")));
            }
            StateProjection::Waiting(wait) => {
                let polled = this.guise.enter(|| wait.as_mut().poll(cx, this.guard));
                let called = ready!(polled);
                match called {
                    Ok(future) => this.state.set(State::Admitted(future)),
                    Err(error) => {
                        // The service, which may have been polled, is let go of here, and not when the caller gets
                        // round to dropping this future.
                        this.state.set(State::Rejected(None));
                        return Poll::Ready(Err(error));
                    }
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: Service<Req>, Req, P> fmt::Debug for ResponseFuture<S, Req, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("waiting", &matches!(self.state, State::Waiting(_)))
            .finish_non_exhaustive()
    }
}
