use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Wake, Waker};
use std::time::Instant;

use crate::{Timer, now};

/// Runs a function from time to time until it is dropped, without a task: on the thread that runs the timers of the
/// runtime.
///
/// Without timers, it does nothing.
#[must_use = "dropping it stops it"]
pub struct Lookout(Arc<Inner>);

struct Inner {
    /// Runs, and returns when to run again.
    look: Box<dyn Fn() -> Option<Instant> + Send + Sync>,
    /// How often the timer has fired since its current poll started: a timer may fire while it is being set.
    fire_count: AtomicUsize,
    /// `None` once the lookout is dropped. No foreign code runs under the lock.
    timer: Mutex<Option<Set>>,
}

struct Set {
    timer: Pin<Box<Timer>>,
    at: Instant,
}

impl Lookout {
    /// Calls `look` at `first`, and then whenever it returns.
    pub fn new(first: Instant, look: impl Fn() -> Option<Instant> + Send + Sync + 'static) -> Self {
        let set = Timer::at(first).map(|timer| Set {
            timer: Box::pin(timer),
            at: first,
        });
        let inner = Arc::new(Inner {
            look: Box::new(look),
            fire_count: AtomicUsize::new(1),
            timer: Mutex::new(set),
        });
        inner.run(Some(first));
        Self(inner)
    }
}

impl Inner {
    /// Handles the timer, as often as it fires in the meantime: sets it for the first time, or calls `look` and sets
    /// it again.
    fn run(self: &Arc<Self>, mut first: Option<Instant>) {
        let mut fire_count = 1;
        loop {
            // A panic would stop the runtime's timers.
            let _ = catch_unwind(AssertUnwindSafe(|| self.look_and_set(first.take())));
            let done = self.fire_count.compare_exchange(
                fire_count,
                0,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            match done {
                Ok(_) => return,
                Err(more) => fire_count = more,
            }
        }
    }

    fn look_and_set(self: &Arc<Self>, first: Option<Instant>) {
        if first.is_none() && self.is_early() {
            return;
        }
        let mut next = first.or_else(|| (self.look)());
        while let Some(at) = next {
            if self.set(at) {
                return;
            }
            next = (self.look)();
        }
    }

    /// Sets the timer. Returns `false` if that time has already passed.
    fn set(self: &Arc<Self>, at: Instant) -> bool {
        let mut locked = self.timer.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(set) = &mut *locked else {
            return true;
        };
        set.at = at;
        let waker = Waker::from(Arc::clone(self));
        let polled = set
            .timer
            .as_mut()
            .poll(at, &mut Context::from_waker(&waker));
        polled.is_pending()
    }

    /// Whether the timer fires because its runtime shuts down, and has no others.
    fn is_early(&self) -> bool {
        let locked = self.timer.lock().unwrap_or_else(PoisonError::into_inner);
        locked.as_ref().is_none_or(|set| now() < set.at)
    }
}

impl Wake for Inner {
    fn wake(self: Arc<Self>) {
        if self.fire_count.fetch_add(1, Ordering::AcqRel) == 0 {
            self.run(None);
        }
    }
}

/// The timer's waker references this: clearing it breaks the cycle.
impl Drop for Lookout {
    fn drop(&mut self) {
        let mut locked = self.0.timer.lock().unwrap_or_else(PoisonError::into_inner);
        let set = locked.take();
        drop(locked);
        drop(set);
    }
}

impl fmt::Debug for Lookout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookout").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A lookout that runs once a second, or panics.
    fn lookout(looks: &Arc<AtomicUsize>, panics: bool) -> Lookout {
        let looks = Arc::clone(looks);
        Lookout::new(now() + SECOND, move || {
            looks.fetch_add(1, Ordering::Relaxed);
            assert!(!panics);
            now().checked_add(SECOND)
        })
    }

    #[tokio::test(start_paused = true)]
    async fn it_runs_until_it_is_dropped() {
        let looks = Arc::default();
        let lookout = lookout(&looks, false);
        let inner = Arc::downgrade(&lookout.0);
        for seen in 1..4 {
            tokio::time::sleep(SECOND + SECOND / 100).await;
            assert_eq!(looks.load(Ordering::Relaxed), seen);
        }
        drop(lookout);
        assert_eq!(inner.strong_count(), 0);
        tokio::time::sleep(5 * SECOND).await;
        assert_eq!(looks.load(Ordering::Relaxed), 3);
    }

    /// Each time it is set, its time has already passed.
    #[tokio::test(start_paused = true)]
    async fn a_late_run_is_repeated_at_once() {
        let looks = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&looks);
        let begun = now();
        tokio::time::sleep(SECOND).await;
        let _lookout = Lookout::new(begun, move || {
            let looked = counted.fetch_add(1, Ordering::Relaxed) as u32;
            Some(match looked {
                0..100 => begun + (looked + 1) * SECOND / 1_000,
                _ => now() + SECOND,
            })
        });
        let seen = looks.load(Ordering::Relaxed);
        assert!(seen > 100, "{seen}");
        tokio::time::sleep(SECOND / 2).await;
        assert_eq!(looks.load(Ordering::Relaxed), seen);
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_stops_only_the_lookout() {
        let looks = Arc::default();
        let _lookout = lookout(&looks, true);
        tokio::time::sleep(5 * SECOND).await;
        assert_eq!(looks.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn without_timers_it_does_nothing() {
        let _lookout = lookout(&Arc::default(), true);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        let runtime = runtime.expect("a runtime with timers can be built");
        // It outlives its runtime.
        let looks = Arc::default();
        let _lookout = runtime.block_on(async { lookout(&looks, true) });
        drop(runtime);
        assert_eq!(looks.load(Ordering::Relaxed), 0);
    }
}
