use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use buttress_core::bulkhead::{Place, Verdict};
use buttress_core::queue::Dropped;
use pin_project::{pin_project, pinned_drop};
use tokio::runtime::Handle;
use tokio::time::{Sleep, sleep_until};

use crate::BulkheadGuard;
use crate::bulkhead::now;
use crate::shared::SharedLease;

/// Somebody who waits for a place. Dropped, it leaves the queue, and passes on what it was given meanwhile.
#[derive(Debug)]
#[pin_project(PinnedDrop)]
pub(crate) struct Queued {
    shared: SharedLease,
    /// `None` once it has left.
    place: Option<Place>,
    since: Instant,
    /// Whether it shows on the gauge.
    shown: bool,
    /// When it gives up. Without a runtime there are no timers: then it is only as punctual as it is polled.
    #[pin]
    gives_up: Option<Sleep>,
}

impl Queued {
    pub(crate) fn new(shared: SharedLease, place: Place) -> Self {
        let timed = place.gives_up().filter(|_| Handle::try_current().is_ok());
        Self {
            shown: shared.signals().queued(),
            since: now(),
            gives_up: timed.map(|at| sleep_until(at.into())),
            shared,
            place: Some(place),
        }
    }

    pub(crate) fn shared(&self) -> &SharedLease {
        &self.shared
    }

    fn ended(self: Pin<&mut Self>) {
        let this = self.project();
        *this.place = None;
        let waited = now().saturating_duration_since(*this.since);
        this.shared.signals().unqueued(*this.shown, waited);
    }
}

impl Future for Queued {
    type Output = Result<BulkheadGuard, Dropped>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.as_mut().project();
        let place = this.place.as_ref().expect("polled after completion");
        if let Poll::Ready(verdict) = place.poll(cx.waker()) {
            self.as_mut().ended();
            return Poll::Ready(match verdict {
                Verdict::Admitted(permit) => Ok(BulkheadGuard::new(self.shared.clone(), permit)),
                Verdict::Dropped(why) => Err(why),
            });
        }
        let is_time = match this.gives_up.as_pin_mut() {
            Some(timer) => timer.poll(cx).is_ready(),
            None => place.gives_up().is_some_and(|at| at <= now()),
        };
        if !is_time {
            return Poll::Pending;
        }
        match this.shared.rule().give_up(place, now()) {
            Some(why) => {
                self.ended();
                Poll::Ready(Err(why))
            }
            // Somebody was quicker, and is about to tell.
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
