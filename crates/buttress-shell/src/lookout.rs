use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Wake, Waker};
use std::time::Instant;

use crate::{Timer, now};

/// Does something from time to time for as long as it lives, in no task: where the runtime runs its timers.
///
/// Nothing happens where there are no timers.
#[must_use = "dropped, it does nothing any more"]
pub struct Lookout(Arc<Inner>);

struct Inner {
    /// Does it, and says when to do it again.
    look: Box<dyn Fn() -> Option<Instant> + Send + Sync>,
    /// `None` once the lookout is dropped. No code of others runs under the lock.
    timer: Mutex<Option<Set>>,
}

struct Set {
    timer: Pin<Box<Timer>>,
    at: Instant,
}

impl Lookout {
    /// Calls `look` at that time for the first time, and then whenever it says.
    pub fn new(first: Instant, look: impl Fn() -> Option<Instant> + Send + Sync + 'static) -> Self {
        let set = Timer::at(first).map(|timer| Set {
            timer: Box::pin(timer),
            at: first,
        });
        let inner = Arc::new(Inner {
            look: Box::new(look),
            timer: Mutex::new(set),
        });
        if !inner.set(first) {
            inner.look_and_set();
        }
        Self(inner)
    }
}

impl Inner {
    fn look_and_set(self: &Arc<Self>) {
        while let Some(next) = (self.look)() {
            if self.set(next) {
                return;
            }
        }
    }

    /// Sets the timer. False if that time has passed already.
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

    /// Whether the timer goes off because its runtime shuts down, and has no others.
    fn is_early(&self) -> bool {
        let locked = self.timer.lock().unwrap_or_else(PoisonError::into_inner);
        locked.as_ref().is_none_or(|set| now() < set.at)
    }
}

impl Wake for Inner {
    fn wake(self: Arc<Self>) {
        if !self.is_early() {
            // A panic would take the runtime's timers along.
            let _ = catch_unwind(AssertUnwindSafe(|| self.look_and_set()));
        }
    }
}

/// The timer knows it by its waker, so somebody has to part the two.
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
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// One that looks once a second, or panics.
    fn lookout(looks: &Arc<AtomicUsize>, panics: bool) -> Lookout {
        let looks = Arc::clone(looks);
        Lookout::new(now() + SECOND, move || {
            looks.fetch_add(1, Ordering::Relaxed);
            assert!(!panics);
            now().checked_add(SECOND)
        })
    }

    #[tokio::test(start_paused = true)]
    async fn it_looks_until_it_is_dropped() {
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

    #[tokio::test(start_paused = true)]
    async fn a_panic_ends_it_and_nothing_else() {
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
        let runtime = runtime.expect("it needs nothing else");
        // It outlives its runtime.
        let looks = Arc::default();
        let _lookout = runtime.block_on(async { lookout(&looks, true) });
        drop(runtime);
        assert_eq!(looks.load(Ordering::Relaxed), 0);
    }
}
