use std::fmt;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use buttress_core::retry::RetryClass;
use buttress_core::{BoxError, Ending, Plain};
use buttress_shell::{Timer, now};
use pin_project::pin_project;
use tower_service::Service;

use crate::call::Call;
use crate::repeat::{Judge, Repeat};
use crate::shared::CallGuard;

/// The response future of [`RetryService`](crate::RetryService). It returns the response of the last attempt.
#[pin_project]
pub struct ResponseFuture<S, Req, P = Plain>
where
    S: Service<Req>,
    P: Repeat<Req>,
{
    #[pin]
    state: State<S::Future>,
    /// The attempt's timeout, or the end of the wait. Created when it is first waited for.
    #[pin]
    timer: Timer,
    /// When the wait before the next attempt ends.
    wait_ends: Option<Instant>,
    protocol: P,
    /// `None` if the mode is off, and once a call has ended that did not succeed at once.
    call: Option<Call<S, Req, P>>,
}

/// The next step of the future.
enum Step<T> {
    /// An attempt has failed.
    Failed(Result<T, BoxError>),
    /// Poll the attempt.
    Poll,
    /// The attempt is pending: check its timeout.
    Time,
    /// Wait for the next attempt.
    Wait,
}

#[pin_project(project = StateProjection)]
enum State<F> {
    Attempt(#[pin] F),
    Waiting,
}

impl<S, Req, P> ResponseFuture<S, Req, P>
where
    S: Service<Req>,
    P: Repeat<Req>,
{
    #[inline]
    pub(crate) fn new(attempt: S::Future, protocol: P, call: Option<Call<S, Req, P>>) -> Self {
        Self {
            state: State::Attempt(attempt),
            timer: Timer::default(),
            wait_ends: None,
            protocol,
            call,
        }
    }
}

impl<S, Req, P> Future for ResponseFuture<S, Req, P>
where
    S: Service<Req>,
    S::Error: Into<BoxError>,
    P: Repeat<Req> + Judge<S::Response>,
{
    type Output = Result<P::Response<CallGuard>, BoxError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.as_mut().project();
        let StateProjection::Attempt(attempt) = this.state.project() else {
            return self.go_on(cx, Step::Wait);
        };
        match attempt.poll(cx) {
            Poll::Ready(result) => {
                let result = result.map_err(Into::into);
                let guard = match this.call {
                    Some(call) => {
                        if this.protocol.judge(&result).class != RetryClass::Final {
                            return self.go_on(cx, Step::Failed(result));
                        }
                        call.succeed()
                    }
                    None => &mut None,
                };
                Poll::Ready(this.protocol.conclude(result, guard))
            }
            Poll::Pending => match this.call {
                Some(call) if call.due().is_some() => self.go_on(cx, Step::Time),
                _ => Poll::Pending,
            },
        }
    }
}

impl<S, Req, P> ResponseFuture<S, Req, P>
where
    S: Service<Req>,
    S::Error: Into<BoxError>,
    P: Repeat<Req> + Judge<S::Response>,
{
    /// The path of calls whose first attempt does not succeed. It is kept out of the success path, because it needs
    /// more registers.
    #[cold]
    #[inline(never)]
    fn go_on(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut step: Step<S::Response>,
    ) -> Poll<Result<P::Response<CallGuard>, BoxError>> {
        let mut this = self.project();
        let protocol = &*this.protocol;
        let call = this.call.as_mut().expect("polled after completion");
        let result = loop {
            let result = match step {
                Step::Failed(result) => result,
                Step::Poll => match this.state.as_mut().project() {
                    StateProjection::Attempt(attempt) => match attempt.poll(cx) {
                        Poll::Ready(result) => result.map_err(Into::into),
                        Poll::Pending => {
                            step = Step::Time;
                            continue;
                        }
                    },
                    StateProjection::Waiting => unreachable!("an attempt was started"),
                },
                Step::Time => {
                    let Some(due) = call.due() else {
                        return Poll::Pending;
                    };
                    ready!(this.timer.as_mut().poll(due, cx));
                    // The scope tells an inner breaker that the attempt used all its time.
                    Ending::Expired.during(|| this.state.set(State::Waiting));
                    Err(call.timed_out())
                }
                Step::Wait => {
                    if let Some(ends) = *this.wait_ends {
                        ready!(this.timer.as_mut().poll(ends, cx));
                        *this.wait_ends = None;
                    }
                    match call.poll_next(cx, protocol) {
                        Poll::Ready(Ok(attempt)) => {
                            this.state.set(State::Attempt(attempt));
                            step = Step::Poll;
                            continue;
                        }
                        Poll::Ready(Err(error)) => break Err(error),
                        Poll::Pending => {
                            let Some((ends, reason)) = call.readiness_ends() else {
                                return Poll::Pending;
                            };
                            ready!(this.timer.as_mut().poll(ends, cx));
                            break Err(call.not_ready(reason, protocol));
                        }
                    }
                }
            };
            let verdict = protocol.judge(&result);
            if verdict.class == RetryClass::Final {
                call.succeed();
                break result;
            }
            match call.fail(result, verdict, protocol) {
                ControlFlow::Continue(wait) => {
                    // The failed attempt is dropped before the wait.
                    this.state.set(State::Waiting);
                    *this.wait_ends = (!wait.is_zero()).then(|| now() + wait);
                    step = Step::Wait;
                }
                ControlFlow::Break(result) => break result,
            }
        };
        let mut guard = call.end().take();
        // The service may be ready for an attempt that is not made. To drop it is the only way to return what it
        // reserved; the future may live on.
        *this.call = None;
        Poll::Ready(protocol.conclude(result, &mut guard))
    }
}

impl<S, Req, P> fmt::Debug for ResponseFuture<S, Req, P>
where
    S: Service<Req>,
    P: Repeat<Req>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("waiting", &matches!(self.state, State::Waiting))
            .finish_non_exhaustive()
    }
}
