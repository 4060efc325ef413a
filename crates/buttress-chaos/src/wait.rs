use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use buttress_shell::{Timer, now};
use tokio::sync::futures::OwnedNotified;

use crate::shared::Shared;

/// A wait of a call or a body, which ends early when the injector is disarmed.
pub(crate) struct Wait {
    /// When the wait ends. `None` if there are no timers.
    timer: Option<(Instant, Pin<Box<Timer>>)>,
    /// Subscribed from the start, so that no disarming is missed.
    released: Pin<Box<OwnedNotified>>,
}

impl Wait {
    /// Waits for a time. `None` if there is nothing to wait for: no time, no plan, or no timer.
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
        // Checked after the subscription: a later disarm wakes it.
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
