use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::now;

/// The permits of the open bodies of a handle, which can be taken back from bodies that are not read.
///
/// A body is idle from its head, or a frame, until its reader polls for the next frame. A body that waits for the
/// service is not idle, for example an event stream without events. There is no timer per body. A handle that is
/// short of permits [takes back](Self::take_idle) those of bodies that have been idle for too long.
///
/// Each stripe is for the threads of one processor, so that bodies do not contend for a lock.
pub struct OpenBodies<T> {
    begun: Instant,
    /// After how long a body is idle for too long, in nanoseconds; 0 for never.
    patience: AtomicU64,
    /// When the next body may be idle for too long, in nanoseconds since this was created.
    next_look: AtomicU64,
    /// Written when a handle is created, and read when there are no free permits.
    stripes: RwLock<Vec<Arc<OpenStripe<T>>>>,
}

/// The open bodies of the threads that share a stripe.
///
/// Aligned so that two locks share neither a cache line nor a pair of lines that are fetched together.
#[repr(align(128))]
pub struct OpenStripe<T>(Mutex<Entries<T>>);

/// The entries of a stripe. Each body has the index of its entry until it ends. No foreign code runs under their
/// lock.
struct Entries<T> {
    entries: Vec<Entry<T>>,
    unused: Vec<u32>,
}

struct Entry<T> {
    /// `None` once it was taken back, or the body has ended.
    held: Option<T>,
    /// `None` while the reader waits for a frame.
    idle_since: Option<Instant>,
}

/// The entry of one body.
#[derive(Debug)]
pub struct OpenBody(u32);

impl<T> OpenBodies<T> {
    /// Creates an empty set.
    #[must_use]
    pub fn new(patience: Option<Duration>) -> Self {
        Self {
            begun: now(),
            patience: AtomicU64::new(as_nanos(patience)),
            next_look: AtomicU64::new(u64::MAX),
            stripes: RwLock::default(),
        }
    }

    /// Sets after how long a body that is not read is idle for too long. `None` means never; then bodies need not be
    /// registered here.
    pub fn set_patience(&self, patience: Option<Duration>) {
        self.patience.store(as_nanos(patience), Ordering::Relaxed);
        if self.next_look.load(Ordering::Relaxed) != u64::MAX {
            // A body that is already idle may now be idle for too long.
            self.next_look.store(0, Ordering::Relaxed);
        }
    }

    /// Whether bodies must be registered here.
    #[inline]
    #[must_use]
    pub fn is_patient(&self) -> bool {
        self.patience.load(Ordering::Relaxed) == 0
    }

    /// Adds a stripe.
    #[must_use]
    pub fn stripe(&self) -> Arc<OpenStripe<T>> {
        let stripe = Arc::new(OpenStripe(Mutex::new(Entries {
            entries: Vec::new(),
            unused: Vec::new(),
        })));
        let mut stripes = self.stripes.write().unwrap_or_else(PoisonError::into_inner);
        stripes.push(Arc::clone(&stripe));
        stripe
    }

    /// Returns when the next check is useful, for waiters. `None` means never.
    #[must_use]
    pub fn next_look(&self) -> Option<Instant> {
        let patience = self.patience()?;
        let latest = now().checked_add(patience)?;
        let next = Duration::from_nanos(self.next_look.load(Ordering::Relaxed));
        let next = self.begun.checked_add(next).unwrap_or(latest);
        // Also if there are no bodies: there may be some by then.
        Some(next.min(latest))
    }

    /// Takes back the permits of bodies that have been idle for too long, unless it is too early to check.
    pub fn take_idle(&self) -> Vec<T> {
        let mut idle = Vec::new();
        let next = self.next_look.load(Ordering::Relaxed);
        let Some(patience) = self.patience().filter(|_| next != u64::MAX) else {
            return idle;
        };
        let now = now();
        let since_begun = nanos(now.saturating_duration_since(self.begun));
        if since_begun < next {
            return idle;
        }
        // A body that becomes idle from now on is not idle for too long before that.
        let mut first = patience;
        for stripe in &*self.stripes.read().unwrap_or_else(PoisonError::into_inner) {
            first = first.min(stripe.take_idle(now, patience, &mut idle));
        }
        // Many waiting calls do not cause a scan of all bodies each.
        let next = first.max(patience / LOOKS);
        self.next_look
            .store(since_begun.saturating_add(nanos(next)), Ordering::Relaxed);
        idle
    }

    fn patience(&self) -> Option<Duration> {
        let patience = self.patience.load(Ordering::Relaxed);
        (patience > 0).then(|| Duration::from_nanos(patience))
    }
}

impl<T> OpenStripe<T> {
    /// Stores the permit of a body whose head has arrived.
    pub fn put(&self, bodies: &OpenBodies<T>, held: T) -> OpenBody {
        let now = now();
        if bodies.next_look.load(Ordering::Relaxed) == u64::MAX {
            bodies.next_look.store(0, Ordering::Relaxed);
        }
        let mut locked = self.lock();
        let new = Entry {
            held: Some(held),
            idle_since: Some(now),
        };
        if let Some(number) = locked.unused.pop()
            && let Some(entry) = locked.entries.get_mut(number as usize)
        {
            *entry = new;
            return OpenBody(number);
        }
        let number = u32::try_from(locked.entries.len()).unwrap_or(u32::MAX);
        locked.entries.push(new);
        OpenBody(number)
    }

    /// Records a frame: the reader must poll for the next.
    pub fn idle(&self, body: &OpenBody) {
        let now = now();
        if let Some(entry) = self.lock().of(body) {
            entry.idle_since = Some(now);
        }
    }

    /// Records that the reader has polled for a frame.
    pub fn asked(&self, body: &OpenBody) {
        if let Some(entry) = self.lock().of(body) {
            entry.idle_since = None;
        }
    }

    /// Takes out the permit of a body that has ended, unless it was taken back.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a body that has ended has no entry"
    )]
    pub fn take(&self, body: OpenBody) -> Option<T> {
        let OpenBody(number) = body;
        let mut locked = self.lock();
        let entry = locked.entries.get_mut(number as usize)?;
        let held = entry.held.take();
        locked.unused.push(number);
        held
    }

    /// Takes back the permits of bodies that have been idle for this long, and returns the time until the next may
    /// be.
    fn take_idle(&self, now: Instant, patience: Duration, idle: &mut Vec<T>) -> Duration {
        let mut first = patience;
        for entry in &mut self.lock().entries {
            let Some(since) = entry.idle_since else {
                continue;
            };
            let left = patience.saturating_sub(now.saturating_duration_since(since));
            if left.is_zero() {
                idle.extend(entry.held.take());
                entry.idle_since = None;
            } else if entry.held.is_some() {
                first = first.min(left);
            }
        }
        first
    }

    fn lock(&self) -> MutexGuard<'_, Entries<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Entries<T> {
    fn of(&mut self, body: &OpenBody) -> Option<&mut Entry<T>> {
        self.entries.get_mut(body.0 as usize)
    }
}

impl<T> fmt::Debug for OpenBodies<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenBodies").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for OpenStripe<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenStripe").finish_non_exhaustive()
    }
}

/// The maximum number of scans in the time that a body may be idle.
const LOOKS: u32 = 64;

fn as_nanos(patience: Option<Duration>) -> u64 {
    patience.map_or(0, |patience| nanos(patience).max(1))
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn permits_of_idle_bodies_are_taken_back_once() {
        let bodies = OpenBodies::new(Some(30 * SECOND));
        let stripe = bodies.stripe();
        let [quiet, read, waiting] =
            ["quiet", "read", "waiting"].map(|held| stripe.put(&bodies, held));
        stripe.asked(&waiting);
        tokio::time::advance(20 * SECOND).await;
        stripe.idle(&read);
        assert!(bodies.take_idle().is_empty());
        tokio::time::advance(10 * SECOND).await;
        assert_eq!(bodies.take_idle(), ["quiet"]);
        assert!(bodies.take_idle().is_empty());

        assert_eq!(stripe.take(quiet), None, "the permit was taken back");
        assert_eq!(stripe.take(read), Some("read"));
        let next = stripe.put(&bodies, "next");
        tokio::time::advance(3_600 * SECOND).await;
        assert_eq!(bodies.take_idle(), ["next"]);
        assert_eq!(stripe.take(next), None);
        assert_eq!(stripe.take(waiting), Some("waiting"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_check_is_when_a_body_may_be_idle_for_long() {
        let bodies = OpenBodies::new(Some(64 * SECOND));
        let stripe = bodies.stripe();
        let _first = stripe.put(&bodies, 1);
        let _ = bodies.take_idle();
        assert_eq!(bodies.next_look(), now().checked_add(64 * SECOND));
        tokio::time::advance(SECOND / 2).await;
        let _second = stripe.put(&bodies, 2);
        tokio::time::advance(64 * SECOND - SECOND / 2).await;
        assert_eq!(bodies.take_idle(), [1]);
        // The second is idle for too long in half a second, and is not checked before a whole one has passed.
        assert_eq!(bodies.next_look(), now().checked_add(SECOND));
        tokio::time::advance(SECOND / 2).await;
        assert!(bodies.take_idle().is_empty());
        tokio::time::advance(SECOND / 2).await;
        assert_eq!(bodies.take_idle(), [2]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiter_checks_again_even_without_bodies_yet() {
        let bodies = OpenBodies::<u32>::new(Some(30 * SECOND));
        assert_eq!(bodies.next_look(), now().checked_add(30 * SECOND));
        bodies.set_patience(None);
        assert_eq!(bodies.next_look(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_shorter_idle_time_applies_at_once() {
        let bodies = OpenBodies::new(Some(3_600 * SECOND));
        let stripe = bodies.stripe();
        let _body = stripe.put(&bodies, 1);
        tokio::time::advance(60 * SECOND).await;
        assert!(bodies.take_idle().is_empty());
        bodies.set_patience(Some(30 * SECOND));
        assert_eq!(bodies.take_idle(), [1]);
    }
}
