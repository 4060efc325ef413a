use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Method, Request};
use http_body::Body;

use crate::call_state::{CallState, Piece};
use crate::finding::{Check, ensure};
use crate::harness::Harness;
use crate::subject::{Answer, AnswerFuture, Subject};
use crate::{CallId, CountingWaker, TestBody};

/// A caller of one call, as its own task: polls readiness, calls, and polls the response.
///
/// Layers admit at different times: they may queue, delay readiness or reject. The caller hides the difference, and
/// reports only its [state](CallState).
pub(crate) struct Caller<'a> {
    harness: &'a Harness<'a>,
    service: Subject,
    pub(crate) id: CallId,
    pub(crate) task: CountingWaker,
    phase: Phase,
    wakes_seen: usize,
    pub(crate) polls: usize,
}

enum Phase {
    Unready(Request<TestBody>),
    Ready(Request<TestBody>),
    Called(AnswerFuture),
    Responded(Answer),
    Over,
}

impl<'a> Caller<'a> {
    pub(crate) fn new(harness: &'a Harness<'a>, service: Subject) -> Self {
        let (id, request) = harness.request();
        Self {
            harness,
            service,
            id,
            task: CountingWaker::new(),
            phase: Phase::Unready(request),
            wakes_seen: 0,
            polls: 0,
        }
    }

    /// Polls until the call ends or waits: polls again while it was woken, at most [`PATIENCE`] times.
    pub(crate) fn poll(&mut self) -> CallState {
        for _ in 0..PATIENCE {
            let state = self.poll_once();
            if state.is_over() {
                return state;
            }
            if !self.is_woken() {
                return state;
            }
        }
        self.state()
    }

    /// Polls readiness and, if ready, the call, once each.
    pub(crate) fn poll_once(&mut self) -> CallState {
        self.poll_ready();
        self.call_if_ready();
        if let Phase::Called(future) = &mut self.phase
            && let Poll::Ready(answer) = self.task.poll_future(future.as_mut())
        {
            self.phase = Phase::Responded(answer);
        }
        self.state()
    }

    /// Polls on behalf of a real task.
    pub(crate) fn poll_in(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            self.phase = match std::mem::replace(&mut self.phase, Phase::Over) {
                Phase::Unready(request) => match self.service.poll_ready(cx) {
                    Poll::Ready(Ok(())) => Phase::Called(self.service.call(request)),
                    Poll::Ready(Err(error)) => Phase::Responded(Err(error)),
                    Poll::Pending => {
                        self.phase = Phase::Unready(request);
                        return Poll::Pending;
                    }
                },
                Phase::Called(mut future) => match future.as_mut().poll(cx) {
                    Poll::Ready(answer) => Phase::Responded(answer),
                    Poll::Pending => {
                        self.phase = Phase::Called(future);
                        return Poll::Pending;
                    }
                },
                phase => {
                    self.phase = phase;
                    return Poll::Ready(());
                }
            };
        }
    }

    /// Sets the method of the request.
    pub(crate) fn method(&mut self, method: &Method) {
        if let Phase::Unready(request) = &mut self.phase {
            *request.method_mut() = method.clone();
        }
    }

    /// Polls readiness once, without a call. Returns whether the service is ready.
    pub(crate) fn poll_ready(&mut self) -> bool {
        self.polls += 1;
        self.wakes_seen = self.task.wakes();
        let (Phase::Unready(_) | Phase::Ready(_)) = self.phase else {
            return false;
        };
        match self.task.poll(|cx| self.service.poll_ready(cx)) {
            Poll::Pending => false,
            Poll::Ready(Ok(())) => {
                self.phase = match std::mem::replace(&mut self.phase, Phase::Over) {
                    Phase::Unready(request) => Phase::Ready(request),
                    phase => phase,
                };
                true
            }
            Poll::Ready(Err(error)) => {
                self.phase = Phase::Responded(Err(error));
                false
            }
        }
    }

    /// Polls once as a task that several callers share.
    pub(crate) fn poll_as(&mut self, task: &CountingWaker) {
        self.task = task.same();
        self.poll_once();
    }

    /// Calls if the last poll of readiness was ready, and does not poll the call.
    pub(crate) fn call_if_ready(&mut self) {
        self.phase = match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Ready(request) => Phase::Called(self.service.call(request)),
            phase => phase,
        };
    }

    /// Calls without polling readiness first, which violates the contract of `Service`.
    pub(crate) fn call_unready(&mut self) {
        if let Phase::Unready(request) = std::mem::replace(&mut self.phase, Phase::Over) {
            self.phase = Phase::Called(self.service.call(request));
        }
    }

    /// Releases the held call inside the probe, and polls. A call that still waits is polled before.
    pub(crate) fn finish(&mut self) -> CallState {
        if self.state() == CallState::Waiting {
            self.poll();
        }
        self.harness.probe.release(self.id);
        self.poll()
    }

    /// Starts another call on the same service.
    pub(crate) fn again(&mut self) {
        let (id, request) = self.harness.request();
        self.id = id;
        self.phase = Phase::Unready(request);
    }

    /// Polls, or starts another call if this one has its response.
    pub(crate) fn poll_anew(&mut self) -> CallState {
        if self.state().is_over() {
            self.again();
        }
        self.poll()
    }

    /// Drops the call, or its response, and keeps the service.
    pub(crate) fn hang_up(&mut self) {
        self.phase = Phase::Over;
    }

    /// Releases the held call, polls it to its end, and drops the response.
    pub(crate) fn finish_and_leave(&mut self) {
        self.finish();
        self.hang_up();
    }

    /// Continues as another task. Returns the old task, which must not be woken any more.
    pub(crate) fn move_to_another_task(&mut self) -> CountingWaker {
        self.wakes_seen = 0;
        std::mem::take(&mut self.task)
    }

    /// Whether the service was called, whatever the layer does with the call.
    pub(crate) fn has_called(&self) -> bool {
        !matches!(self.phase, Phase::Unready(_) | Phase::Ready(_))
    }

    /// The number of calls to inner services that were not ready, by any caller.
    pub(crate) fn unready_calls(&self) -> usize {
        self.harness.probe.unready_calls()
    }

    /// Whether the task was woken since the last poll.
    pub(crate) fn is_woken(&self) -> bool {
        if self.task.wakes() == self.wakes_seen {
            self.harness.let_tasks_run();
        }
        self.task.wakes() > self.wakes_seen
    }

    /// The number of wakeups since the last poll.
    pub(crate) fn wakes_since_poll(&self) -> usize {
        self.task.wakes() - self.wakes_seen
    }

    pub(crate) fn state(&self) -> CallState {
        let reached = self.harness.probe.attempts(self.id) > 0;
        match (&self.phase, reached) {
            (Phase::Responded(_) | Phase::Over, true) => CallState::Responded,
            (Phase::Responded(_) | Phase::Over, false) => CallState::Rejected,
            (_, true) => CallState::Inside,
            (_, false) => CallState::Waiting,
        }
    }

    /// Whether the response is the probe's successful one.
    pub(crate) fn succeeded(&self) -> bool {
        matches!(&self.phase, Phase::Responded(Ok(response)) if response.status() == 200)
    }

    /// The response, if there is one.
    pub(crate) fn answer(&mut self) -> Option<&mut Answer> {
        match &mut self.phase {
            Phase::Responded(answer) => Some(answer),
            _ => None,
        }
    }

    /// Polls the body of the response once. Returns the piece, if the poll is ready.
    pub(crate) fn poll_body(&mut self) -> Option<Piece> {
        let Phase::Responded(Ok(response)) = &mut self.phase else {
            return None;
        };
        let mut body = Pin::new(response.body_mut());
        match self.task.poll(|cx| body.as_mut().poll_frame(cx)) {
            Poll::Pending => None,
            Poll::Ready(Some(Ok(frame))) if frame.is_trailers() => Some(Piece::Trailers),
            Poll::Ready(Some(Ok(_))) => Some(Piece::Data),
            Poll::Ready(Some(Err(_))) => Some(Piece::Error),
            Poll::Ready(None) => Some(Piece::End),
        }
    }

    /// Reads the body of the response up to the piece `until`. Returns whether that piece came.
    pub(crate) fn read_body(&mut self, until: Piece) -> bool {
        (0..PATIENCE).any(|_| self.poll_body() == Some(until))
    }

    /// Polls, and fails unless the call is then in `state`.
    pub(crate) fn expect(&mut self, state: CallState, who: &str) -> Check {
        let seen = self.poll();
        ensure(
            seen == state,
            format!("{who} is {state}"),
            format!("it is {seen}"),
        )
    }
}

/// A caller that is woken this many times in a row without an end counts as spinning.
const PATIENCE: usize = 64;
