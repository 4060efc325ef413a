use std::sync::Arc;
// Plain atomics also in loom's models: no order depends on these figures.
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::time::{Duration, Instant};

use crate::time::nanos;

/// Whether the body of a request has arrived, and how long the service has waited for it.
///
/// A service that reads a request can be no faster than the caller that sends it. The body reports to an upload when it
/// is polled for a frame that is [not there](Self::wait), and when that [arrives](Self::arrive); rules that use the
/// call's latency subtract the time in between.
///
/// ```
/// use std::time::{Duration, Instant};
/// use buttress_core::Upload;
///
/// let start = Instant::now();
/// let upload = Upload::new(start);
/// upload.wait(start);
/// upload.arrive(|| start + Duration::from_secs(9));
/// upload.end(|| start + Duration::from_secs(10));
/// assert_eq!(upload.waited(start + Duration::from_secs(10)), Duration::from_secs(9));
/// ```
///
/// A clone is the same upload.
#[derive(Debug, Clone)]
pub struct Upload {
    shared: Arc<Shared>,
    /// How long the service had waited when the call in question began, in nanoseconds: there may be several attempts.
    before: u64,
}

#[derive(Debug)]
struct Shared {
    origin: Instant,
    /// All waits in nanoseconds, times two, plus one during a wait. Then the time from the origin to its begin is
    /// subtracted, so that the time of reading completes the sum. In one word, or a reader could count a wait twice.
    waits: AtomicI64,
    /// [`OWED`], [`WHOLE`] or [`BROKEN`].
    state: AtomicU8,
}

/// The bit of [`Shared::waits`] that says that a wait goes on.
const WAITING: i64 = 1;

/// More of the body may come.
const OWED: u8 = 0;
/// All of the body has come, or the service wants no more of it.
const WHOLE: u8 = 1;
/// The caller broke the body off.
const BROKEN: u8 = 2;

impl Upload {
    /// An upload of which nothing has come yet.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            shared: Arc::new(Shared {
                origin: now,
                waits: AtomicI64::new(0),
                state: AtomicU8::new(OWED),
            }),
            before: 0,
        }
    }

    /// The same upload for a call that begins `now`: what was waited for before is not counted.
    #[must_use]
    pub fn of_call(&self, now: Instant) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            before: self.total(now),
        }
    }

    /// The service polled for a frame that has not arrived.
    pub fn wait(&self, now: Instant) {
        // Only the body writes, and one poll at a time.
        let waits = self.shared.waits.load(Ordering::Relaxed);
        if waits & WAITING == 0 {
            let began = 2 * self.shared.nanos_at(now);
            self.shared
                .waits
                .store((waits - began) | WAITING, Ordering::Relaxed);
        }
    }

    /// The frame has arrived. The time is evaluated only where the service had to wait.
    pub fn arrive(&self, now: impl FnOnce() -> Instant) {
        let waits = self.shared.waits.load(Ordering::Relaxed);
        if waits & WAITING != 0 {
            let waited = self.shared.total(waits, now());
            self.shared.waits.store(2 * waited, Ordering::Relaxed);
        }
    }

    /// All of the body has come, or the service dropped it.
    pub fn end(&self, now: impl FnOnce() -> Instant) {
        self.arrive(now);
        let state = &self.shared.state;
        let _ = state.compare_exchange(OWED, WHOLE, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// The caller broke off the body. A failure of the call is then not counted against the service.
    pub fn break_off(&self, now: impl FnOnce() -> Instant) {
        self.arrive(now);
        self.shared.state.store(BROKEN, Ordering::Relaxed);
    }

    /// How long the service has waited for the caller.
    #[must_use]
    pub fn waited(&self, now: Instant) -> Duration {
        Duration::from_nanos(self.waited_nanos(now))
    }

    /// How long the call that began at `began` has taken until `now`, without the time in which the service waited for
    /// its caller. `None` if the latency is unknown, because more of the body may arrive after such a wait.
    #[must_use]
    pub fn latency(&self, began: Instant, now: Instant) -> Option<Duration> {
        let all = nanos(now.saturating_duration_since(began));
        let time = self.service_time(all, now);
        time.is_exact.then(|| Duration::from_nanos(time.nanos))
    }

    /// Whether the caller broke the body off.
    #[must_use]
    pub fn is_broken_off(&self) -> bool {
        self.shared.state.load(Ordering::Relaxed) == BROKEN
    }

    /// The nanoseconds that a call took until `now`, of `all`, without the waits for its caller.
    pub(crate) fn service_time(&self, all: u64, now: Instant) -> ServiceTime {
        let waited = self.waited_nanos(now);
        ServiceTime {
            nanos: all.saturating_sub(waited),
            is_exact: waited == 0 || self.shared.state.load(Ordering::Relaxed) != OWED,
        }
    }

    fn waited_nanos(&self, now: Instant) -> u64 {
        self.total(now).saturating_sub(self.before)
    }

    fn total(&self, now: Instant) -> u64 {
        let waits = self.shared.waits.load(Ordering::Relaxed);
        self.shared.total(waits, now).unsigned_abs()
    }
}

impl Shared {
    /// At most 146 years, so that twice that is no overflow.
    fn nanos_at(&self, now: Instant) -> i64 {
        let nanos = nanos(now.saturating_duration_since(self.origin));
        i64::try_from(nanos).unwrap_or(i64::MAX).min(i64::MAX / 4)
    }

    /// All waits until `now`, in nanoseconds: none if time went backwards.
    fn total(&self, waits: i64, now: Instant) -> i64 {
        let over = waits >> 1;
        let all = match waits & WAITING {
            0 => over,
            _ => over.saturating_add(self.nanos_at(now)),
        };
        all.max(0)
    }
}

impl PartialEq for Upload {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared) && self.before == other.before
    }
}

impl Eq for Upload {}

/// How long a service took, without the time in which it waited for its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ServiceTime {
    /// At least this many nanoseconds: a service that waits may do other work at the same time.
    pub(crate) nanos: u64,
    /// Whether that is the latency of the call. While more of the request may come, it is unknown: a service that
    /// echoes a stream waits nearly all of the time, and is not as fast as that.
    pub(crate) is_exact: bool,
}

impl ServiceTime {
    /// Of a call whose request is complete.
    pub(crate) fn whole(nanos: u64) -> Self {
        Self {
            nanos,
            is_exact: true,
        }
    }

    /// Of a call that has lasted this long at `now`, and perhaps has an upload.
    #[inline]
    pub(crate) fn of(upload: Option<&Upload>, all: u64, now: Instant) -> Self {
        match upload {
            None => Self::whole(all),
            Some(upload) => upload.service_time(all, now),
        }
    }
}

#[cfg(all(test, not(buttress_loom)))]
mod tests {
    #![allow(
        clippy::disallowed_methods,
        reason = "a test needs some moment to begin at"
    )]
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    struct Scene {
        start: Instant,
        upload: Upload,
    }

    impl Scene {
        fn new() -> Self {
            let start = Instant::now();
            Self {
                start,
                upload: Upload::new(start),
            }
        }

        fn at(&self, seconds: u64) -> Instant {
            self.start + Duration::from_secs(seconds)
        }

        fn took(&self, seconds: u64) -> (u64, bool) {
            let at = self.at(seconds);
            let time = self.upload.service_time(seconds * SECOND, at);
            (time.nanos / SECOND, time.is_exact)
        }
    }

    #[test]
    fn what_the_service_waits_for_its_caller_is_no_time_of_its_own() {
        let scene = Scene::new();
        scene.upload.wait(scene.at(1));
        scene.upload.wait(scene.at(2));
        assert_eq!(scene.took(5), (1, false), "it waits");
        scene.upload.arrive(|| scene.at(5));
        assert_eq!(scene.took(7), (3, false), "more may come");
        scene.upload.wait(scene.at(7));
        scene.upload.end(|| scene.at(8));
        assert_eq!(scene.took(10), (5, true));
        assert_eq!(scene.upload.waited(scene.at(20)), Duration::from_secs(5));
    }

    #[test]
    fn a_body_that_was_never_waited_for_took_nothing() {
        let scene = Scene::new();
        scene.upload.arrive(|| unreachable!("it was there"));
        assert_eq!(scene.took(3), (3, true));
        scene.upload.end(|| unreachable!("there is no wait"));
        assert_eq!(scene.took(3), (3, true));
    }

    #[test]
    fn an_attempt_is_not_counted_what_another_waited_for() {
        let scene = Scene::new();
        scene.upload.wait(scene.at(0));
        let second = scene.upload.of_call(scene.at(4));
        scene.upload.end(|| scene.at(5));
        assert_eq!(second.waited(scene.at(9)), Duration::from_secs(1));
        assert_eq!(scene.upload.waited(scene.at(9)), Duration::from_secs(5));
    }

    #[test]
    fn what_was_broken_off_stays_so() {
        let scene = Scene::new();
        assert!(!scene.upload.is_broken_off());
        scene.upload.break_off(|| scene.at(1));
        scene.upload.end(|| scene.at(2));
        assert!(scene.upload.is_broken_off());
        assert!(!Scene::new().upload.is_broken_off());
    }

    #[test]
    fn a_second_wait_adds_to_the_first() {
        let scene = Scene::new();
        for begin in [2, 10, 20] {
            scene.upload.wait(scene.at(begin));
            scene.upload.arrive(|| scene.at(begin + 3));
        }
        scene.upload.wait(scene.at(30));
        let waited = |seconds| scene.upload.waited(scene.at(seconds));
        assert_eq!(waited(30), Duration::from_secs(9));
        assert_eq!(waited(31), Duration::from_secs(10));
    }

    #[test]
    fn time_that_goes_backwards_saturates() {
        let scene = Scene::new();
        scene.upload.wait(scene.at(5));
        scene.upload.arrive(|| scene.at(3));
        assert_eq!(scene.upload.waited(scene.start), Duration::ZERO);
        assert_eq!(scene.upload.service_time(0, scene.start).nanos, 0);
    }
}
