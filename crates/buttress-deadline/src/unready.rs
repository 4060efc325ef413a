use buttress_shell::Timer;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

/// How long one clone of a service has waited for the inner service to become ready.
#[derive(Default)]
pub(crate) struct Unready {
    /// When the wait ends. Boxed, because it is needed only while the service is not ready.
    waiting: Option<Pin<Box<Waiting>>>,
}

#[pin_project::pin_project]
struct Waiting {
    until: Instant,
    #[pin]
    timer: Timer,
}

impl Unready {
    /// Waits until the time that `until` returned at the first poll. `None` waits without a limit.
    #[cold]
    pub(crate) fn poll(
        &mut self,
        until: impl FnOnce() -> Option<Instant>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if self.waiting.is_none() {
            self.waiting = until().map(|until| {
                Box::pin(Waiting {
                    until,
                    timer: Timer::default(),
                })
            });
        }
        let Some(waiting) = &mut self.waiting else {
            return Poll::Pending;
        };
        let waiting = waiting.as_mut().project();
        waiting.timer.poll(*waiting.until, cx)
    }

    /// Whether the service was not ready at its last poll. A call then comes when the wait has ended.
    #[inline]
    pub(crate) fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Ends the wait: the service is ready, or its call was rejected.
    #[cold]
    #[inline(never)]
    pub(crate) fn end(&mut self) {
        self.waiting = None;
    }
}

/// A clone starts its own wait.
impl Clone for Unready {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl fmt::Debug for Unready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unready")
            .field("is_waiting", &self.is_waiting())
            .finish()
    }
}
