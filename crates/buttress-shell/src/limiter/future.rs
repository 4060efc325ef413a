use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use buttress_core::{BoxError, PanicWatch, Protocol};
use pin_project::pin_project;
use tower_service::Service;

use super::wait::Wait;
use super::{CallContext, Decision, Enter, Limiter, Queued};
use crate::{refuse, relinquish};

/// The response future of a service with a limiter, or the limiter's rejection.
#[pin_project]
pub struct LimitedFuture<S: Service<Req>, Req, L: Limiter, P> {
    #[pin]
    state: State<S, Req, L>,
    /// `None` before there is a slot, and once the call has ended or continues in a body.
    guard: Option<L::Guard>,
    context: CallContext<P, L::Context>,
}

#[pin_project(project = StateProjection)]
enum State<S: Service<Req>, Req, L: Limiter> {
    Admitted(#[pin] S::Future),
    /// Boxed, as the caller gets it. `None` once it has been returned.
    Rejected(Option<BoxError>),
    /// Boxed, so that futures that do not wait are small.
    Waiting(Pin<Box<Wait<S, Req, L>>>),
}

impl<S, Req, L, P> LimitedFuture<S, Req, L, P>
where
    S: Service<Req>,
    S::Error: Into<BoxError>,
    L: Limiter,
{
    /// Calls a service that is ready.
    #[inline(always)]
    pub fn admitted(
        service: &mut S,
        request: Req,
        guard: L::Guard,
        mut context: CallContext<P, L::Context>,
    ) -> Self {
        let mut guard = Some(guard);
        let watch = PanicWatch::new(&mut guard);
        let future = context.task.enter(request, |request| service.call(request));
        watch.disarm();
        Self {
            state: State::Admitted(future),
            guard,
            context,
        }
    }

    /// Makes, rejects or queues a call, by a decision of the slow path.
    #[inline(always)]
    pub fn decided(
        decision: Decision<L>,
        service: &mut S,
        request: Req,
        context: CallContext<P, L::Context>,
    ) -> Self
    where
        S: Clone,
    {
        match decision {
            Decision::Admitted(guard) => Self::admitted(service, request, guard, context),
            Decision::Rejected(rejection) => {
                refuse(service, request);
                Self::rejected(rejection, context)
            }
            Decision::Queued(queued) => {
                // The ready inner service may hold a slot of an inner layer that a call without a wait can use, so
                // neither the waiting call nor the caller's service keeps it.
                relinquish(service);
                Self::waiting(queued, service.clone(), request, context)
            }
        }
    }

    fn rejected(rejection: BoxError, context: CallContext<P, L::Context>) -> Self {
        Self {
            state: State::Rejected(Some(rejection)),
            guard: None,
            context,
        }
    }

    fn waiting(
        queued: Queued<L>,
        service: S,
        request: Req,
        context: CallContext<P, L::Context>,
    ) -> Self {
        Self {
            state: State::Waiting(Box::pin(Wait::new(queued, service, request))),
            guard: None,
            context,
        }
    }
}

impl<S, Req, L, P> Future for LimitedFuture<S, Req, L, P>
where
    S: Service<Req>,
    S::Error: Into<BoxError>,
    L: Limiter,
    P: Protocol<S::Response>,
{
    type Output = Result<P::Response<L::Guard>, BoxError>;

    // Rare cases are in separate functions, so that the rest is small enough to be inlined.
    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if !matches!(self.state, State::Admitted(_)) {
            ready!(self.as_mut().poll_slow(cx))?;
        }
        let this = self.project();
        let StateProjection::Admitted(future) = this.state.project() else {
            return Poll::Pending;
        };
        let watch = PanicWatch::new(this.guard);
        let polled = this.context.task.enter(future, |future| future.poll(cx));
        watch.disarm();
        let result = ready!(polled).map_err(Into::into);
        let response = this.context.protocol.conclude(result, this.guard);
        this.context.protocol.keep(this.guard);
        // A guard that is not in a body is dropped here, and not when the caller drops this future.
        *this.guard = None;
        Poll::Ready(response)
    }
}

impl<S, Req, L, P> LimitedFuture<S, Req, L, P>
where
    S: Service<Req>,
    S::Error: Into<BoxError>,
    L: Limiter,
{
    /// Waits until the call is made, or returns why it is rejected. A separate function, so that `poll` is small
    /// enough to be inlined.
    #[cold]
    #[inline(never)]
    fn poll_slow(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        let mut this = self.project();
        match this.state.as_mut().project() {
            StateProjection::Admitted(_) => {}
            StateProjection::Rejected(rejection) => {
                return Poll::Ready(Err(rejection.take().expect("polled after completion")));
            }
            StateProjection::Waiting(wait) => {
                let polled = this
                    .context
                    .task
                    .enter(wait, |wait| wait.as_mut().poll(cx, this.guard));
                let called = ready!(polled);
                match called {
                    Ok(future) => this.state.set(State::Admitted(future)),
                    Err(error) => {
                        // Drops the service, which may have been polled, now and not with this future.
                        this.state.set(State::Rejected(None));
                        return Poll::Ready(Err(error));
                    }
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: Service<Req>, Req, L: Limiter, P> fmt::Debug for LimitedFuture<S, Req, L, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("waiting", &matches!(self.state, State::Waiting(_)))
            .finish_non_exhaustive()
    }
}
