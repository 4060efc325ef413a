use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use buttress_shell::{Timer, now};
use tokio::sync::futures::OwnedNotified;

use crate::shared::Shared;

/// A time that a call or a body is held up, which ends early when the injector is disarmed.
pub(crate) struct Wait {
    /// When it is over. `None` where no timer could be had.
    timer: Option<(Instant, Pin<Box<Timer>>)>,
    /// Listens from the start, so that no disarming is missed.
    released: Pin<Box<OwnedNotified>>,
}

impl Wait {
    /// Holds up for a time. `None` where nothing does: no time, no plan any more, or no timer to be had.
    pub(crate) fn lasting(shared: &Shared, time: Duration) -> Option<Self> {
        if time.is_zero() {
            return None;
        }
        let timer = timer(time)?;
        Self::new(shared, Some(timer))
    }

    /// Waits until the plan ends, at most for this time. Without a timer, until the plan is disarmed.
    pub(crate) fn hanging(shared: &Shared, left: Duration) -> Option<Self> {
        Self::new(shared, timer(left))
    }

    fn new(shared: &Shared, timer: Option<(Instant, Pin<Box<Timer>>)>) -> Option<Self> {
        let mut released = Box::pin(Arc::clone(&shared.released).notified_owned());
        released.as_mut().enable();
        // After it is registered: a disarm from here on wakes it.
        shared.is_armed().then_some(Self { timer, released })
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let timer = self.timer.as_mut();
        match timer.map(|(at, timer)| timer.as_mut().poll(*at, cx)) {
            Some(Poll::Ready(())) => Poll::Ready(()),
            Some(Poll::Pending) | None => self.released.as_mut().poll(cx),
        }
    }
}

fn timer(time: Duration) -> Option<(Instant, Pin<Box<Timer>>)> {
    let at = now().checked_add(time)?;
    Some((at, Box::pin(Timer::at(at)?)))
}
