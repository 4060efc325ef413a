use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use buttress_core::{BoxError, PanicWatch, Plain, Protocol, Rejection, TaskContext};
use pin_project::pin_project;
use tower_service::Service;

use crate::ShedGuard;
use crate::queued::Queued;
use crate::wait::Wait;

/// The response of a service behind a shedder, or the shedder's refusal.
#[pin_project]
pub struct ResponseFuture<S: Service<Req>, Req, P = Plain> {
    #[pin]
    state: State<S, Req>,
    /// `None` before there is a place, and once the call has ended.
    guard: Option<ShedGuard>,
    guise: Guise<P>,
}

/// How a call is made and concluded.
#[derive(Debug)]
pub(crate) struct Guise<P> {
    pub(crate) protocol: P,
    /// Whether a call may go on after its answer has begun.
    pub(crate) lives_on: bool,
    /// What is known to those who are called from inside of the call.
    pub(crate) context: Option<TaskContext>,
}

#[pin_project(project = StateProjection)]
enum State<S: Service<Req>, Req> {
    Admitted(#[pin] S::Future),
    /// `None` once it has been told.
    Rejected(Option<Rejection>),
    /// Boxed, so that those who need not wait need not carry it about.
    Waiting(Pin<Box<Wait<S, Req>>>),
}

impl<P> Guise<P> {
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
    #[inline]
    pub(crate) fn admitted(
        service: &mut S,
        request: Req,
        guard: ShedGuard,
        mut guise: Guise<P>,
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

    pub(crate) fn rejected(rejection: Rejection, guise: Guise<P>) -> Self {
        Self {
            state: State::Rejected(Some(rejection)),
            guard: None,
            guise,
        }
    }

    pub(crate) fn waiting(queued: Queued, service: S, request: Req, guise: Guise<P>) -> Self {
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

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProjection::Admitted(future) => {
                    let watch = PanicWatch::new(this.guard);
                    let polled = this.guise.enter(|| future.poll(cx));
                    watch.disarm();
                    let result = ready!(polled).map_err(Into::into);
                    if let (true, Ok(_), Some(guard)) =
                        (this.guise.lives_on, &result, &mut *this.guard)
                    {
                        guard.answered();
                    }
                    let response = this.guise.protocol.conclude(result, this.guard);
                    // What was not taken into a body ends here, and not when somebody drops this future.
                    *this.guard = None;
                    return Poll::Ready(response);
                }
                StateProjection::Rejected(rejection) => {
                    let rejection = rejection.take().expect("polled after completion");
                    return Poll::Ready(Err(rejection.into()));
                }
                StateProjection::Waiting(wait) => {
                    let polled = this.guise.enter(|| wait.as_mut().poll(cx, this.guard));
                    let future = ready!(polled)?;
                    this.state.set(State::Admitted(future));
                }
            }
        }
    }
}

impl<S: Service<Req>, Req, P> fmt::Debug for ResponseFuture<S, Req, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("waiting", &matches!(self.state, State::Waiting(_)))
            .finish_non_exhaustive()
    }
}
