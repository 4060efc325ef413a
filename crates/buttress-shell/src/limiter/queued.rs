use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use buttress_core::queue::Dropped;
use buttress_core::shed::Refusal;
use pin_project::{pin_project, pinned_drop};

use super::{Limiter, LimiterLease};
use crate::{Lookout, Timer, now};

/// A call that waits for a slot. If it is dropped, it leaves the queue, and passes on a slot that it was assigned
/// concurrently.
#[pin_project(PinnedDrop)]
pub struct Queued<L: Limiter> {
    lease: LimiterLease<L>,
    /// `None` once it has left the queue.
    waiter: Option<L::Waiter>,
    since: Instant,
    /// Whether the gauge counts it.
    shown: bool,
    #[pin]
    timer: Timer,
    lookout: Option<Lookout>,
}

impl<L: Limiter> Queued<L> {
    /// Starts the wait of a call.
    pub fn new(lease: LimiterLease<L>, waiter: L::Waiter) -> Self {
        Self {
            lookout: L::lookout(&lease, &waiter),
            shown: lease.signals().queued(),
            since: now(),
            timer: Timer::default(),
            waiter: Some(waiter),
            lease,
        }
    }

    pub(super) fn limiter(&self) -> &L {
        &self.lease
    }

    /// When all waits of the call end, and why.
    pub(super) fn ends(&self) -> Option<(Instant, Dropped)> {
        self.waiter.as_ref().and_then(L::ends)
    }

    fn left(self: Pin<&mut Self>) {
        let this = self.project();
        *this.waiter = None;
        *this.lookout = None;
        let waited = now().saturating_duration_since(*this.since);
        this.lease.signals().unqueued(*this.shown, waited);
    }
}

impl<L: Limiter> Future for Queued<L> {
    type Output = Result<L::Guard, Refusal>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.as_mut().project();
        let waiter = this.waiter.as_mut().expect("polled after completion");
        let polled = L::poll(this.lease, waiter, cx.waker());
        if polled.is_ready() {
            self.left();
            return polled;
        }
        let Some((at, _)) = L::ends(waiter) else {
            return Poll::Pending;
        };
        let now = match this.timer.as_mut().poll(at, cx) {
            Poll::Ready(()) => now(),
            // A wait without a timer ends at once.
            Poll::Pending if this.timer.is_missing() => at,
            Poll::Pending => return Poll::Pending,
        };
        match this.lease.expire(waiter, now) {
            Some(refusal) => {
                self.left();
                Poll::Ready(Err(refusal))
            }
            // A permit was assigned concurrently; the waker will be called.
            None => Poll::Pending,
        }
    }
}

#[pinned_drop]
impl<L: Limiter> PinnedDrop for Queued<L> {
    fn drop(mut self: Pin<&mut Self>) {
        if let Some(waiter) = self.as_mut().project().waiter.take() {
            self.lease.leave(waiter);
            self.left();
        }
    }
}

impl<L: Limiter> fmt::Debug for Queued<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queued")
            .field("waiter", &self.waiter)
            .field("since", &self.since)
            .finish_non_exhaustive()
    }
}
