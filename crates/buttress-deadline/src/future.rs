use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use buttress_core::{BoxError, Ending, Rejection, TaskContext};
use buttress_shell::Timer;
use pin_project::pin_project;

use crate::deadline_timer::DeadlineTimer;
use crate::side::{Conclude, Local};

/// The response future of [`DeadlineService`](crate::DeadlineService), or its rejection.
#[pin_project]
pub struct ResponseFuture<F, P = Local> {
    #[pin]
    state: State<F>,
    /// The task context of the call; `None` if the layer is off.
    context: Option<TaskContext>,
    /// `None` if there is no deadline, or if the response has been returned.
    watch: Option<DeadlineTimer>,
    #[pin]
    timer: Timer,
    side: PhantomData<fn() -> P>,
}

#[pin_project(project = StateProjection)]
enum State<F> {
    Called(#[pin] F),
    /// `None` once it has been returned. Boxed, so that the future of all other calls is small.
    Rejected(Option<BoxError>),
}

impl<F, P> ResponseFuture<F, P> {
    /// Creates the future of a call in flight.
    #[inline]
    pub(crate) fn called(
        future: F,
        context: Option<TaskContext>,
        watch: Option<DeadlineTimer>,
    ) -> Self {
        Self::new(State::Called(future), context, watch)
    }

    /// Creates the future of a call that is rejected.
    pub(crate) fn rejected(rejection: Rejection) -> Self {
        Self::new(State::Rejected(Some(rejection.into())), None, None)
    }

    #[inline]
    fn new(state: State<F>, context: Option<TaskContext>, watch: Option<DeadlineTimer>) -> Self {
        Self {
            state,
            context,
            watch,
            timer: Timer::default(),
            side: PhantomData,
        }
    }
}

impl<F, P, Res, E> Future for ResponseFuture<F, P>
where
    F: Future<Output = Result<Res, E>>,
    E: Into<BoxError>,
    P: Conclude<Res>,
{
    type Output = Result<P::Response, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let future = match this.state.as_mut().project() {
            StateProjection::Called(future) => future,
            StateProjection::Rejected(rejection) => {
                let rejection = rejection.take().expect("polled after completion");
                return Poll::Ready(Err(rejection));
            }
        };
        let polled = match this.context {
            Some(context) => context.enter(|| future.poll(cx)),
            None => future.poll(cx),
        };
        if let Poll::Ready(result) = polled {
            let response = result.map_err(Into::into)?;
            return Poll::Ready(Ok(P::conclude(response, this.context, this.watch)));
        }

        let Some(watch) = this.watch else {
            return Poll::Pending;
        };
        let Some(rejection) = ready!(watch.poll(this.timer, cx)) else {
            return Poll::Pending;
        };
        // The inner call is dropped now, and not when the caller drops this future.
        Ending::Expired.during(|| this.state.set(State::Rejected(None)));
        *this.watch = None;
        Poll::Ready(Err(rejection.into()))
    }
}

impl<F, P> fmt::Debug for ResponseFuture<F, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("called", &matches!(self.state, State::Called(_)))
            .field("watch", &self.watch)
            .finish_non_exhaustive()
    }
}
