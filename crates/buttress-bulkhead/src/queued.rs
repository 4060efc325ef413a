use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use buttress_core::bulkhead::{Place, Verdict};
use buttress_core::queue::Dropped;
use buttress_shell::{Lookout, Timer};
use pin_project::{pin_project, pinned_drop};

use crate::BulkheadGuard;
use crate::bulkhead::now;
use crate::shared::SharedLease;

/// A waiter. When dropped, it leaves the queue, and passes on a slot that it was assigned meanwhile.
#[derive(Debug)]
#[pin_project(PinnedDrop)]
pub(crate) struct Queued {
    shared: SharedLease,
    /// `None` once it has left.
    place: Option<Place>,
    since: Instant,
    /// Whether it shows on the gauge.
    shown: bool,
    #[pin]
    timer: Timer,
    /// Takes slots back from bodies that are not read, for a waiter that waits longer than `reader_idle`.
    lookout: Option<Lookout>,
}

impl Queued {
    pub(crate) fn new(shared: SharedLease, place: Place) -> Self {
        let lookout = shared
            .open()
            .next_look()
            .filter(|look| place.expires_at().is_none_or(|at| *look < at));
        let lookout = lookout.map(|first| {
            let shared = shared.clone();
            Lookout::new(first, move || {
                shared.take_idle();
                shared.open().next_look()
            })
        });
        Self {
            lookout,
            shown: shared.signals().queued(),
            since: now(),
            timer: Timer::default(),
            shared,
            place: Some(place),
        }
    }

    /// When all waiting on behalf of the call ends, and why.
    pub(crate) fn ends(&self) -> Option<(Instant, Dropped)> {
        self.place.as_ref().and_then(Place::ends)
    }

    pub(crate) fn shared(&self) -> &SharedLease {
        &self.shared
    }

    fn ended(self: Pin<&mut Self>) {
        let this = self.project();
        *this.place = None;
        *this.lookout = None;
        let waited = now().saturating_duration_since(*this.since);
        this.shared.signals().unqueued(*this.shown, waited);
    }
}

impl Future for Queued {
    type Output = Result<BulkheadGuard, Dropped>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.as_mut().project();
        let place = this.place.as_ref().expect("polled after completion");
        if let Poll::Ready(verdict) = place.poll(cx.waker()) {
            let admitted = match verdict {
                Verdict::Admitted(permit) => Ok(BulkheadGuard::new(this.shared.clone(), permit)),
                Verdict::Dropped(why) => Err(why),
            };
            self.ended();
            return Poll::Ready(admitted);
        }
        let Some(at) = place.expires_at() else {
            return Poll::Pending;
        };
        let now = match this.timer.as_mut().poll(at, cx) {
            Poll::Ready(()) => now(),
            // A wait that cannot end is over at once.
            Poll::Pending if this.timer.is_missing() => at,
            Poll::Pending => return Poll::Pending,
        };
        match this.shared.rule().give_up(place, now) {
            Some(why) => {
                self.ended();
                Poll::Ready(Err(why))
            }
            // A permit was assigned concurrently; the waker will be called.
            None => Poll::Pending,
        }
    }
}

#[pinned_drop]
impl PinnedDrop for Queued {
    fn drop(mut self: Pin<&mut Self>) {
        if let Some(place) = self.as_mut().project().place.take() {
            self.shared.rule().leave(place, now);
            self.ended();
        }
    }
}
