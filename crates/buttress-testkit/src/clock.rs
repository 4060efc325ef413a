use std::fmt;
use std::time::Duration;

use tokio::runtime::{Builder, EnterGuard, Runtime};
use tokio::time::Instant;

/// A runtime with a clock that only moves when a test moves it.
///
/// It runs on the calling thread and only while [`advance`](Self::advance) or [`turn`](Self::turn) runs, so a plain
/// `#[test]` can poll by hand in between. Enter it first, so that timers use it.
///
/// ```
/// use buttress_testkit::{CountingWaker, VirtualClock};
/// use std::{pin::pin, time::Duration};
///
/// let clock = VirtualClock::new();
/// let _inside = clock.enter();
/// let task = CountingWaker::new();
/// let mut sleep = pin!(tokio::time::sleep(Duration::from_secs(60)));
/// assert!(task.poll_future(sleep.as_mut()).is_pending());
/// clock.advance(Duration::from_secs(61));
/// assert_eq!(task.wakes(), 1);
/// assert!(task.poll_future(sleep.as_mut()).is_ready());
/// ```
pub struct VirtualClock {
    runtime: Runtime,
}

impl VirtualClock {
    /// Creates a clock that does not move by itself.
    ///
    /// # Panics
    ///
    /// If the runtime cannot be built.
    #[must_use]
    pub fn new() -> Self {
        let runtime = Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime without IO asks nothing of the system");
        Self { runtime }
    }

    /// Makes timers created on this thread use this clock, until the guard is dropped.
    pub fn enter(&self) -> EnterGuard<'_> {
        self.runtime.enter()
    }

    /// Moves the clock by this duration, and runs the timers and tasks that are due.
    pub fn advance(&self, by: Duration) {
        self.runtime.block_on(tokio::time::advance(by));
        self.turn();
    }

    /// Runs spawned tasks, up to four times each, without moving the clock.
    pub fn turn(&self) {
        self.runtime.block_on(async {
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
        });
    }

    /// The current time.
    #[must_use]
    pub fn now(&self) -> Instant {
        let _inside = self.enter();
        self.runtime.block_on(async { Instant::now() })
    }

    /// The number of spawned tasks that are alive.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.runtime.metrics().num_alive_tasks()
    }
}

impl Default for VirtualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualClock")
            .field("now", &self.now())
            .field("tasks", &self.tasks())
            .finish()
    }
}

/// Enough for a task that hands over to a second task that responds.
const TURNS: usize = 4;
