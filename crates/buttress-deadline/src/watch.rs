use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use buttress_core::Rejection;
use buttress_http::Until;
use buttress_metrics::Phase;
use buttress_shell::Timer;

use crate::clock::now;
use crate::limits::earlier;
use crate::shared::SharedLease;

/// The time of a call that is under way, until its head comes.
#[expect(unnameable_types, reason = "it is between our future and our body")]
#[derive(Debug)]
pub struct Watch {
    pub(crate) shared: SharedLease,
    pub(crate) deadline: Option<Instant>,
    /// When the head is due. `None` is never.
    pub(crate) head: Option<Instant>,
    pub(crate) binds: bool,
}

/// The time of a response whose head has come, until its body ends.
#[derive(Debug)]
pub(crate) struct Tail {
    shared: SharedLease,
    end: Option<Instant>,
    idle: Option<Duration>,
    /// When the next frame is due, while the reader waits for one.
    due: Option<Instant>,
    binds: bool,
}

impl Watch {
    /// Waits for the head to be overdue, and says what the call then ends with; `None` if it goes on unwatched.
    pub(crate) fn poll(
        &mut self,
        timer: Pin<&mut Timer>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Rejection>> {
        let Some(at) = self.head else {
            return Poll::Pending;
        };
        ready!(timer.poll(at, cx));
        self.head = None;
        if !self.binds {
            self.deadline = None;
        }
        Poll::Ready(self.shared.end(Phase::Head, self.binds))
    }

    /// What is watched of the body, if anything is.
    pub(crate) fn tail(self) -> Option<Tail> {
        let limits = self.shared.limits;
        if limits.until == Until::Headers {
            return None;
        }
        let end = match limits.body_timeout {
            None => self.deadline,
            limit => earlier(self.deadline, now(), limit),
        };
        let idle = limits.body_idle;
        (end.is_some() || idle.is_some()).then_some(Tail {
            shared: self.shared,
            end,
            idle,
            due: None,
            binds: self.binds,
        })
    }
}

impl Tail {
    /// A frame has come, and another is to follow. Whether that comes too late: a body that always has a frame
    /// at hand never waits for a timer.
    pub(crate) fn is_late(&mut self) -> bool {
        self.due = None;
        self.end.is_some_and(|end| end <= now())
    }

    /// Waits for the next frame to be overdue, and says for which reason.
    pub(crate) fn poll(&mut self, timer: Pin<&mut Timer>, cx: &mut Context<'_>) -> Poll<Phase> {
        let at = match (self.due, self.idle) {
            (None, None) => self.end,
            (None, idle) => earlier(self.end, now(), idle),
            (due, _) => due,
        };
        self.due = at;
        let Some(at) = at else {
            return Poll::Pending;
        };
        ready!(timer.poll(at, cx));
        Poll::Ready(if self.end == Some(at) {
            Phase::BodyEnd
        } else {
            Phase::BodyIdle
        })
    }

    /// Says what the body then ends with; `None` if it goes on unwatched.
    pub(crate) fn end(self, phase: Phase) -> Option<Rejection> {
        self.shared.end(phase, self.binds)
    }
}
