use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// A waker that counts wakeups, and polls by hand.
///
/// It represents a task: what is polled through it is woken through it, and a test decides when to poll again. Wakeups
/// during its own poll are counted separately, since a task that wakes itself spins.
///
/// ```
/// use buttress_testkit::{CountingWaker, Gate};
///
/// let (task, gate) = (CountingWaker::new(), Gate::new());
/// assert!(task.poll(|cx| gate.poll(cx)).is_pending());
/// gate.open();
/// assert_eq!((task.wakes(), task.wakes_in_own_poll()), (1, 0));
/// assert!(task.poll(|cx| gate.poll(cx)).is_ready());
/// ```
#[derive(Debug, Default)]
pub struct CountingWaker(Arc<Wakes>);

#[derive(Debug, Default)]
struct Wakes {
    total: AtomicUsize,
    in_own_poll: AtomicUsize,
    polling: AtomicBool,
}

impl CountingWaker {
    /// Creates a waker that was never woken.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the waker to pass on.
    #[must_use]
    pub fn waker(&self) -> Waker {
        Waker::from(Arc::clone(&self.0))
    }

    /// Runs `poll` with a context of this waker.
    pub fn poll<T>(&self, poll: impl FnOnce(&mut Context<'_>) -> T) -> T {
        let _polling = Polling::begin(&self.0.polling);
        poll(&mut Context::from_waker(&self.waker()))
    }

    /// Polls a future once.
    pub fn poll_future<F: Future + ?Sized>(&self, future: Pin<&mut F>) -> Poll<F::Output> {
        self.poll(|cx| future.poll(cx))
    }

    /// Returns a second handle to the same task.
    pub(crate) fn same(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    /// The number of wakeups.
    #[must_use]
    pub fn wakes(&self) -> usize {
        self.0.total.load(Ordering::SeqCst)
    }

    /// The number of wakeups during its own polls.
    #[must_use]
    pub fn wakes_in_own_poll(&self) -> usize {
        self.0.in_own_poll.load(Ordering::SeqCst)
    }

    /// The number of clones of the waker. A waiter that was dropped keeps none.
    #[must_use]
    pub fn kept(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.total.fetch_add(1, Ordering::SeqCst);
        if self.polling.load(Ordering::SeqCst) {
            self.in_own_poll.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Records that a poll is running, until it returns or unwinds.
struct Polling<'a>(&'a AtomicBool);

impl<'a> Polling<'a> {
    fn begin(flag: &'a AtomicBool) -> Self {
        flag.store(true, Ordering::SeqCst);
        Self(flag)
    }
}

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}
