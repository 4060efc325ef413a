use buttress_shell::Timer;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

/// How long one clone of a service has waited for the inner service to become ready.
#[derive(Default)]
pub(crate) struct Unready {
    /// When the wait is over. Boxed, because it exists only while the service is not ready.
    waiting: Option<Pin<Box<Waiting>>>,
}

#[pin_project::pin_project]
struct Waiting {
    until: Instant,
    #[pin]
    timer: Timer,
}

impl Unready {
    /// Waits, from the first time on, until the time that `until` said then. `None` waits for as long as it takes.
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

    /// Whether the service was not ready when it was polled last. A call then comes when the wait is over.
    #[inline]
    pub(crate) fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// The service is ready, or its call has been answered.
    #[cold]
    #[inline(never)]
    pub(crate) fn end(&mut self) {
        self.waiting = None;
    }
}

/// A clone starts a wait of its own.
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
