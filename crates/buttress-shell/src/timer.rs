use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use pin_project::pin_project;
use tokio::runtime::{Handle, Id};
use tokio::task::unconstrained;
use tokio::time::{Sleep, sleep_until};

use crate::now;

/// A timer that is created when it is first waited for, and that does not panic.
///
/// A timer costs more than the rest of a call, and most calls are ready at their first poll. Without timers (outside
/// a runtime, or in one without timers), the wait ends at the first poll after its time.
///
/// Tokio has no function that returns whether a runtime has timers; creating one panics if it has none. That panic is
/// caught, once per thread and runtime, and the panic hook runs. A program that aborts on panics aborts.
#[pin_project]
#[derive(Default)]
pub struct Timer(#[pin] State);

#[pin_project(project = StateProjection)]
#[derive(Default)]
enum State {
    /// Not polled yet.
    #[default]
    Unset,
    Set(#[pin] Sleep),
    /// There are no timers.
    Unavailable,
}

impl Timer {
    /// Creates a timer for `at` immediately. `None` if there are no timers.
    #[must_use]
    pub fn at(at: Instant) -> Option<Self> {
        let sleep = sleep(tokio::time::Instant::from_std(at))?;
        Some(Self(State::Set(sleep)))
    }

    /// Returns whether there is a timer that wakes the waiting task.
    #[must_use]
    pub fn is_set(&self) -> bool {
        matches!(self.0, State::Set(_))
    }

    /// Waits until `at`, which may change from one poll to the next.
    pub fn poll(mut self: Pin<&mut Self>, at: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let until = tokio::time::Instant::from_std(at);
        if matches!(self.0, State::Unset) {
            let made = sleep(until).map_or(State::Unavailable, State::Set);
            self.as_mut().project().0.set(made);
        }
        let StateProjection::Set(mut sleep) = self.as_mut().project().0.project() else {
            return is_over(at);
        };
        // A runtime that has been shut down has no timers.
        let polled = catch_unwind(AssertUnwindSafe(|| {
            if sleep.deadline() != until {
                sleep.as_mut().reset(until);
            }
            // A service that has used up the task's budget of polls must not delay the timer.
            Pin::new(&mut unconstrained(sleep)).poll(cx)
        }));
        polled.unwrap_or_else(|_| {
            self.project().0.set(State::Unavailable);
            is_over(at)
        })
    }
}

impl Timer {
    /// Whether it was waited for in a runtime without timers. Then nothing ends the wait, because the runtime polls a
    /// task only if it is woken.
    #[must_use]
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self.0, State::Unavailable) && Handle::try_current().is_ok()
    }
}

fn is_over(at: Instant) -> Poll<()> {
    if at <= now() {
        Poll::Ready(())
    } else {
        Poll::Pending
    }
}

thread_local! {
    /// The runtime that this thread knows to have no timers.
    static WITHOUT_TIMERS: Cell<Option<Id>> = const { Cell::new(None) };
}

fn sleep(until: tokio::time::Instant) -> Option<Sleep> {
    let runtime = Handle::try_current().ok()?.id();
    if WITHOUT_TIMERS.get() == Some(runtime) {
        return None;
    }
    let made = catch_unwind(|| sleep_until(until));
    if made.is_err() {
        WITHOUT_TIMERS.set(Some(runtime));
    }
    made.ok()
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer")
            .field("is_set", &self.is_set())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::Waker;
    use std::time::Duration;

    use tokio::runtime::Builder;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn poll(timer: Pin<&mut Timer>, at: Instant) -> bool {
        timer
            .poll(at, &mut Context::from_waker(Waker::noop()))
            .is_ready()
    }

    /// Waits in real time, because without a runtime there is no clock to pause.
    fn ends_when_polled() {
        let mut timer = pin!(Timer::default());
        assert!(!poll(timer.as_mut(), now() + Duration::from_secs(3600)));
        let at = now() + MS;
        while !poll(timer.as_mut(), at) {
            std::thread::yield_now();
        }
        assert!(at <= now());
    }

    #[test]
    fn outside_a_runtime_a_wait_ends_when_it_is_polled() {
        ends_when_polled();
    }

    #[test]
    fn in_a_runtime_without_timers_a_wait_ends_when_it_is_polled() {
        let runtime = Builder::new_current_thread()
            .build()
            .expect("a runtime without drivers can be built");
        // The second wait uses what the first found out.
        runtime.block_on(async { ends_when_polled() });
        runtime.block_on(async { ends_when_polled() });
    }

    #[test]
    fn a_wait_outlives_its_runtime() {
        let runtime = Builder::new_current_thread().enable_time().build();
        let runtime = runtime.expect("a runtime without drivers can be built");
        let mut timer = pin!(Timer::default());
        let at = now() + 50 * MS;
        runtime.block_on(async { assert!(!poll(timer.as_mut(), at)) });
        drop(runtime);
        while !poll(timer.as_mut(), at) {
            std::thread::yield_now();
        }
        assert!(at <= now());
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_may_be_moved() {
        let mut timer = pin!(Timer::default());
        let begun = now();
        assert!(!poll(timer.as_mut(), begun + 10 * MS));
        tokio::time::advance(20 * MS).await;
        assert!(!poll(timer.as_mut(), begun + 30 * MS));
        tokio::time::advance(20 * MS).await;
        assert!(poll(timer.as_mut(), begun + 30 * MS));
    }
}
