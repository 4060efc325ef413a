use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::futures::OwnedNotified;
use tokio::time::Sleep;

use crate::shared::Shared;

/// A time that a call or a body is held up, which ends early when the injector is disarmed.
pub(crate) struct Wait {
    /// `None` where no runtime could time it.
    sleep: Option<Pin<Box<Sleep>>>,
    /// Listens from the start, so that no disarming is missed.
    released: Pin<Box<OwnedNotified>>,
}

impl Wait {
    /// Holds up for a time. `None` where nothing does: no time, no plan any more, or no runtime that could time it.
    pub(crate) fn lasting(shared: &Shared, time: Duration) -> Option<Self> {
        if time.is_zero() {
            return None;
        }
        let sleep = timer(time)?;
        Self::new(shared, Some(sleep))
    }

    /// Holds up until the plan ends, which it does in this time at the latest. Outside of a runtime, until somebody
    /// ends it.
    pub(crate) fn hanging(shared: &Shared, left: Duration) -> Option<Self> {
        Self::new(shared, timer(left))
    }

    fn new(shared: &Shared, sleep: Option<Pin<Box<Sleep>>>) -> Option<Self> {
        let mut released = Box::pin(Arc::clone(&shared.released).notified_owned());
        released.as_mut().enable();
        // After it listens: whoever disarms from here on is heard.
        shared.is_armed().then_some(Self { sleep, released })
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let slept = self.sleep.as_mut().map(|sleep| sleep.as_mut().poll(cx));
        match slept {
            Some(Poll::Ready(())) => Poll::Ready(()),
            Some(Poll::Pending) | None => self.released.as_mut().poll(cx),
        }
    }
}

fn timer(time: Duration) -> Option<Pin<Box<Sleep>>> {
    Handle::try_current().ok()?;
    Some(Box::pin(tokio::time::sleep(time)))
}
