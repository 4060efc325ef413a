use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use buttress_core::Rejection;
use buttress_http::Until;
use buttress_metrics::Phase;
use buttress_shell::{Timer, now};

use crate::limits::earlier;
use crate::settings::SettingsLease;

/// The timer of a call in flight, until its head.
#[expect(unnameable_types, reason = "only our future and our body use it")]
#[derive(Debug)]
pub struct DeadlineTimer {
    pub(crate) settings: SettingsLease,
    pub(crate) deadline: Option<Instant>,
    /// When the head times out; `None` for never.
    pub(crate) head: Option<Instant>,
    pub(crate) binds: bool,
}

/// The timer of a response's body.
#[derive(Debug)]
pub(crate) struct Tail {
    settings: SettingsLease,
    end: Option<Instant>,
    idle: Option<Duration>,
    /// When the reader or the service has been idle for too long.
    idle_until: Option<Instant>,
    /// Whether the reader has polled for a frame, so that the service must act next.
    is_asked: bool,
    binds: bool,
}

impl DeadlineTimer {
    /// Waits until the head times out, and returns the error of the call; `None` if the timeout is not enforced.
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
        self.settings.tell(Phase::Head, self.binds);
        Poll::Ready(self.settings.exceeded(self.binds))
    }

    /// Returns the timer of the body, if it has one.
    pub(crate) fn tail(self) -> Option<Tail> {
        let limits = self.settings.limits;
        if limits.until == Until::Headers {
            return None;
        }
        let end = match limits.body_timeout {
            None => self.deadline,
            limit => earlier(self.deadline, now(), limit),
        };
        let idle = limits.body_idle;
        (end.is_some() || idle.is_some()).then_some(Tail {
            settings: self.settings,
            end,
            idle_until: idle.and_then(|_| earlier(None, now(), idle)),
            idle,
            is_asked: false,
            binds: self.binds,
        })
    }
}

impl Tail {
    /// When the body times out, unless there is progress before.
    pub(crate) fn due(&self) -> Option<Instant> {
        match (self.end, self.idle_until) {
            (Some(end), Some(idle)) => Some(end.min(idle)),
            (end, idle) => end.or(idle),
        }
    }

    /// Records a frame. Returns whether the frame is late: a body that always has a frame ready never waits for a
    /// timer.
    pub(crate) fn is_late(&mut self) -> bool {
        if self.idle.is_none() && self.end.is_none() {
            return false;
        }
        let now = now();
        self.is_asked = false;
        self.idle_until = earlier(None, now, self.idle);
        self.end.is_some_and(|end| end <= now)
    }

    /// Records that the reader polls for a frame that is not ready.
    pub(crate) fn ask(&mut self) {
        if self.idle.is_some() && !mem::replace(&mut self.is_asked, true) {
            self.idle_until = earlier(None, now(), self.idle);
        }
    }

    /// The error of a body that timed out; `None` if the timeout is not enforced.
    pub(crate) fn rejection(&self) -> Option<Rejection> {
        self.settings.exceeded(self.binds)
    }

    /// Emits that the body timed out.
    pub(crate) fn tell(&self) {
        let phase = if self.end.is_some() && self.end == self.due() {
            Phase::BodyEnd
        } else {
            Phase::BodyIdle
        };
        self.settings.tell(phase, self.binds);
    }
}
