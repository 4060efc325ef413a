use std::fmt;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use buttress_core::retry::Finding;
use buttress_core::{BoxError, Plain};
use pin_project::pin_project;
use tokio::runtime::Handle;
use tokio::time::{Sleep, sleep, sleep_until};
use tower_service::Service;

use crate::call::Call;
use crate::clock::now;
use crate::repeat::{Judge, Repeat};
use crate::shared::CallGuard;

/// The response of a service behind a retry: that of the last attempt.
#[pin_project]
pub struct ResponseFuture<S, Req, P = Plain>
where
    S: Service<Req>,
    P: Repeat<Req>,
{
    #[pin]
    state: State<S::Future>,
    /// Of the attempt, its timeout, once it is waited for; of the wait, its end.
    #[pin]
    timer: Option<Sleep>,
    protocol: P,
    /// `None` where the mode is off.
    call: Option<Call<S, Req, P>>,
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
            timer: None,
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
            return self.go_on(cx, None);
        };
        match attempt.poll(cx) {
            Poll::Ready(result) => {
                let result = result.map_err(Into::into);
                let guard = match this.call {
                    Some(call) => {
                        if this.protocol.judge(&result).finding != Finding::Final {
                            return self.go_on(cx, Some(result));
                        }
                        call.succeed()
                    }
                    None => &mut None,
                };
                Poll::Ready(this.protocol.conclude(result, guard))
            }
            Poll::Pending => match this.call {
                Some(call) if call.due().is_some() => self.go_on(cx, None),
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
    /// All that does not happen to a call whose first attempt succeeds. Kept apart from it, because it takes more
    /// registers than that has.
    #[cold]
    #[inline(never)]
    fn go_on(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut failed: Option<Result<S::Response, BoxError>>,
    ) -> Poll<Result<P::Response<CallGuard>, BoxError>> {
        let mut this = self.project();
        let protocol = &*this.protocol;
        let call = this.call.as_mut().expect("polled after completion");
        let result = loop {
            let result = match (failed.take(), this.state.as_mut().project()) {
                (Some(result), _) => result,
                (None, StateProjection::Attempt(attempt)) => match attempt.poll(cx) {
                    Poll::Ready(result) => result.map_err(Into::into),
                    Poll::Pending => {
                        let Some(due) = call.due() else {
                            return Poll::Pending;
                        };
                        // Made only now: it costs more than all else, and most attempts are answered at once.
                        if this.timer.is_none() {
                            if Handle::try_current().is_err() {
                                // Nothing can time it. It is over when it is next polled after that.
                                if now() < due {
                                    return Poll::Pending;
                                }
                                failed = Some(Err(call.timed_out()));
                                continue;
                            }
                            this.timer.set(Some(sleep_until(due.into())));
                        }
                        if let Some(timer) = this.timer.as_mut().as_pin_mut() {
                            ready!(timer.poll(cx));
                        }
                        Err(call.timed_out())
                    }
                },
                (None, StateProjection::Waiting) => {
                    if let Some(timer) = this.timer.as_mut().as_pin_mut() {
                        ready!(timer.poll(cx));
                        this.timer.set(None);
                    }
                    match ready!(call.poll_next(cx, protocol)) {
                        Ok(attempt) => {
                            this.state.set(State::Attempt(attempt));
                            continue;
                        }
                        Err(error) => break Err(error),
                    }
                }
            };
            let verdict = protocol.judge(&result);
            if verdict.finding == Finding::Final {
                call.succeed();
                break result;
            }
            match call.fail(result, verdict, protocol) {
                ControlFlow::Continue(wait) => {
                    // What failed goes before anything is waited for.
                    this.state.set(State::Waiting);
                    let wait = (!wait.is_zero()).then(|| sleep(wait));
                    this.timer.set(wait);
                }
                ControlFlow::Break(result) => break result,
            }
        };
        Poll::Ready(protocol.conclude(result, call.end()))
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
