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
    sleep: Pin<Box<Sleep>>,
    /// Listens from the start, so that no disarming is missed.
    released: Pin<Box<OwnedNotified>>,
}

impl Wait {
    /// `None` where nothing holds up: no time, no plan any more, or no runtime that could time it.
    pub(crate) fn new(shared: &Shared, time: Duration) -> Option<Self> {
        if time.is_zero() || Handle::try_current().is_err() {
            return None;
        }
        let mut released = Box::pin(Arc::clone(&shared.released).notified_owned());
        released.as_mut().enable();
        // After it listens: whoever disarms from here on is heard.
        shared.is_armed().then(|| Self {
            sleep: Box::pin(tokio::time::sleep(time)),
            released,
        })
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.sleep.as_mut().poll(cx) {
            Poll::Pending => self.released.as_mut().poll(cx),
            ready => ready,
        }
    }
}
