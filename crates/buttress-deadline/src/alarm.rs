use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use pin_project::pin_project;
use tokio::runtime::Handle;
use tokio::task::unconstrained;
use tokio::time::{Sleep, sleep_until};

use crate::clock::now;

/// A timer that is made when it is first waited for.
///
/// A timer costs more than all the rest of a call, and most calls are answered at once.
#[pin_project]
#[derive(Default)]
pub(crate) struct Alarm {
    #[pin]
    sleep: Option<Sleep>,
}

impl Alarm {
    /// Waits until `at`, which may move from one poll to the next. Without a runtime there are no timers: then it
    /// is only as punctual as it is polled.
    pub(crate) fn poll(self: Pin<&mut Self>, at: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let until = tokio::time::Instant::from_std(at);
        let mut sleep = self.project().sleep;
        if sleep.is_none() {
            if Handle::try_current().is_err() {
                return if at <= now() {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                };
            }
            sleep.set(Some(sleep_until(until)));
        }
        let Some(mut sleep) = sleep.as_pin_mut() else {
            return Poll::Pending;
        };
        if sleep.deadline() != until {
            sleep.as_mut().reset(until);
        }
        // An inner service that has used up the task's share of polling must not hold the time up.
        Pin::new(&mut unconstrained(sleep)).poll(cx)
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alarm")
            .field("is_set", &self.sleep.is_some())
            .finish()
    }
}
