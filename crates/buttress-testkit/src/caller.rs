use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Method, Request};
use http_body::Body;

use crate::call_state::{CallState, Piece};
use crate::finding::{Check, ensure};
use crate::harness::Harness;
use crate::subject::{Answer, AnswerFuture, Subject};
use crate::{CallId, CountingWaker, TestBody};

/// A caller of one call, as a task of its own: polls readiness, calls, and polls the response.
///
/// Where a layer admits, whether it queues, holds back readiness or rejects, is all the same to a
/// caller: what counts is where it [stands](CallState).
pub(crate) struct Caller<'a> {
    bench: &'a Harness<'a>,
    service: Subject,
    pub(crate) id: CallId,
    pub(crate) task: CountingWaker,
    stage: Stage,
    wakes_seen: usize,
    pub(crate) polls: usize,
}

enum Stage {
    Unready(Request<TestBody>),
    Ready(Request<TestBody>),
    Called(AnswerFuture),
    Answered(Answer),
    Over,
}

impl<'a> Caller<'a> {
    pub(crate) fn new(bench: &'a Harness<'a>, service: Subject) -> Self {
        let (id, request) = bench.request();
        Self {
            bench,
            service,
            id,
            task: CountingWaker::new(),
            stage: Stage::Unready(request),
            wakes_seen: 0,
            polls: 0,
        }
    }

    /// Goes as far as it gets: polls, and polls again as long as it is woken meanwhile.
    pub(crate) fn poll(&mut self) -> CallState {
        for _ in 0..PATIENCE {
            let standing = self.poll_once();
            if standing.is_over() {
                return standing;
            }
            if !self.is_woken() {
                return standing;
            }
        }
        self.standing()
    }

    /// Polls readiness, and if ready the call, once each.
    pub(crate) fn poll_once(&mut self) -> CallState {
        self.poll_ready();
        self.call_if_ready();
        if let Stage::Called(future) = &mut self.stage
            && let Poll::Ready(answer) = self.task.poll_future(future.as_mut())
        {
            self.stage = Stage::Answered(answer);
        }
        self.standing()
    }

    /// Polls on behalf of a real task.
    pub(crate) fn poll_in(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            self.stage = match std::mem::replace(&mut self.stage, Stage::Over) {
                Stage::Unready(request) => match self.service.poll_ready(cx) {
                    Poll::Ready(Ok(())) => Stage::Called(self.service.call(request)),
                    Poll::Ready(Err(error)) => Stage::Answered(Err(error)),
                    Poll::Pending => {
                        self.stage = Stage::Unready(request);
                        return Poll::Pending;
                    }
                },
                Stage::Called(mut future) => match future.as_mut().poll(cx) {
                    Poll::Ready(answer) => Stage::Answered(answer),
                    Poll::Pending => {
                        self.stage = Stage::Called(future);
                        return Poll::Pending;
                    }
                },
                stage => {
                    self.stage = stage;
                    return Poll::Ready(());
                }
            };
        }
    }

    /// Makes the request one of this method.
    pub(crate) fn method(&mut self, method: &Method) {
        if let Stage::Unready(request) = &mut self.stage {
            *request.method_mut() = method.clone();
        }
    }

    /// Polls readiness once, and says whether the service is ready; calls nothing.
    pub(crate) fn poll_ready(&mut self) -> bool {
        self.polls += 1;
        self.wakes_seen = self.task.wakes();
        let (Stage::Unready(_) | Stage::Ready(_)) = self.stage else {
            return false;
        };
        match self.task.poll(|cx| self.service.poll_ready(cx)) {
            Poll::Pending => false,
            Poll::Ready(Ok(())) => {
                self.stage = match std::mem::replace(&mut self.stage, Stage::Over) {
                    Stage::Unready(request) => Stage::Ready(request),
                    stage => stage,
                };
                true
            }
            Poll::Ready(Err(error)) => {
                self.stage = Stage::Answered(Err(error));
                false
            }
        }
    }

    /// Polls once as a task that several callers share.
    pub(crate) fn poll_as(&mut self, task: &CountingWaker) {
        self.task = task.same();
        self.poll_once();
    }

    /// Calls if the last poll of readiness said so, and does not poll the call.
    pub(crate) fn call_if_ready(&mut self) {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Ready(request) => Stage::Called(self.service.call(request)),
            stage => stage,
        };
    }

    /// Calls without having polled readiness, which a caller must not do.
    pub(crate) fn call_unready(&mut self) {
        if let Stage::Unready(request) = std::mem::replace(&mut self.stage, Stage::Over) {
            self.stage = Stage::Called(self.service.call(request));
        }
    }

    /// Lets the held call go on inside the probe, and polls; before, if need be, goes there.
    pub(crate) fn finish(&mut self) -> CallState {
        if self.standing() == CallState::Waiting {
            self.poll();
        }
        self.bench.probe.release(self.id);
        self.poll()
    }

    /// Takes up the next call on the same service.
    pub(crate) fn again(&mut self) {
        let (id, request) = self.bench.request();
        self.id = id;
        self.stage = Stage::Unready(request);
    }

    /// Polls on, or takes up the next call where this one has its answer.
    pub(crate) fn poll_anew(&mut self) -> CallState {
        if self.standing().is_over() {
            self.again();
        }
        self.poll()
    }

    /// Drops the call, or its answer, and keeps the service.
    pub(crate) fn hang_up(&mut self) {
        self.stage = Stage::Over;
    }

    /// Lets the held call end, and leaves with the answer.
    pub(crate) fn finish_and_leave(&mut self) {
        self.finish();
        self.hang_up();
    }

    /// Goes on as another task: the old one is returned, and must not be woken any more.
    pub(crate) fn move_to_another_task(&mut self) -> CountingWaker {
        self.wakes_seen = 0;
        std::mem::take(&mut self.task)
    }

    /// Whether the service was called, whatever it does about it.
    pub(crate) fn has_called(&self) -> bool {
        !matches!(self.stage, Stage::Unready(_) | Stage::Ready(_))
    }

    /// How many inner services were called that were not ready, by any caller.
    pub(crate) fn unready_calls(&self) -> usize {
        self.bench.probe.unready_calls()
    }

    /// Whether it was woken since it last polled.
    pub(crate) fn is_woken(&self) -> bool {
        if self.task.wakes() == self.wakes_seen {
            self.bench.let_tasks_run();
        }
        self.task.wakes() > self.wakes_seen
    }

    /// How often it was woken since it last polled.
    pub(crate) fn wakes_since_poll(&self) -> usize {
        self.task.wakes() - self.wakes_seen
    }

    pub(crate) fn standing(&self) -> CallState {
        let asked = self.bench.probe.attempts(self.id) > 0;
        match (&self.stage, asked) {
            (Stage::Answered(_) | Stage::Over, true) => CallState::Answered,
            (Stage::Answered(_) | Stage::Over, false) => CallState::Refused,
            (_, true) => CallState::Inside,
            (_, false) => CallState::Waiting,
        }
    }

    /// Whether the answer is what the probe says when all is well.
    pub(crate) fn succeeded(&self) -> bool {
        matches!(&self.stage, Stage::Answered(Ok(response)) if response.status() == 200)
    }

    /// The answer, where there is one.
    pub(crate) fn answer(&mut self) -> Option<&mut Answer> {
        match &mut self.stage {
            Stage::Answered(answer) => Some(answer),
            _ => None,
        }
    }

    /// Polls the body of the answer once. Says what came, where something did.
    pub(crate) fn poll_body(&mut self) -> Option<Piece> {
        let Stage::Answered(Ok(response)) = &mut self.stage else {
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

    /// Reads the body of the answer until `until` came, if it comes.
    pub(crate) fn read_body(&mut self, until: Piece) -> bool {
        (0..PATIENCE).any(|_| self.poll_body() == Some(until))
    }

    /// Polls, and expects to stand there.
    pub(crate) fn expect(&mut self, standing: CallState, who: &str) -> Check {
        let seen = self.poll();
        ensure(
            seen == standing,
            format!("{who} is {standing}"),
            format!("it is {seen}"),
        )
    }
}

/// A caller that was woken this often and still gets nowhere spins.
const PATIENCE: usize = 64;
