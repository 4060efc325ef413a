use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use buttress_core::queue::Dropped;
use buttress_core::shed::{Permit, Place, Refusal};
use buttress_core::{BoxError, Upload};
use buttress_shell::Timer;
use pin_project::{pin_project, pinned_drop};

use crate::ShedGuard;
use crate::shared::SharedLease;
use crate::shedder::{chance, now};

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
    /// What the caller owes of the request. The service waits for none of it in the meantime.
    upload: Option<Upload>,
    #[pin]
    timer: Timer,
}

impl Queued {
    pub(crate) fn new(shared: SharedLease, place: Place) -> Self {
        Self {
            shown: shared.signals().queued(),
            since: now(),
            upload: None,
            timer: Timer::default(),
            shared,
            place: Some(place),
        }
    }

    /// Notes what the caller owes of the request.
    pub(crate) fn owe(&mut self, upload: Option<Upload>) {
        self.upload = upload;
    }

    /// When all waiting on behalf of the call ends, and why.
    pub(crate) fn ends(&self) -> Option<(Instant, Dropped)> {
        self.place.as_ref().and_then(Place::ends)
    }

    fn ended(
        self: Pin<&mut Self>,
        verdict: Result<Permit, Refusal>,
    ) -> Poll<Result<ShedGuard, BoxError>> {
        let this = self.project();
        *this.place = None;
        let waited = now().saturating_duration_since(*this.since);
        this.shared.signals().unqueued(*this.shown, waited);
        Poll::Ready(match verdict {
            Ok(permit) => {
                let mut guard = ShedGuard::new(this.shared.clone(), permit);
                guard.owe(|| this.upload.take());
                Ok(guard)
            }
            Err(refusal) => Err(this.shared.reject(refusal)),
        })
    }
}

impl Future for Queued {
    type Output = Result<ShedGuard, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.as_mut().project();
        let rule = this.shared.rule();
        let place = this.place.as_ref().expect("polled after completion");
        if let Poll::Ready(verdict) = rule.poll(place, cx.waker(), chance, now) {
            return self.ended(verdict);
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
        match rule.give_up(place, chance, now) {
            Some(refusal) => self.ended(Err(refusal)),
            // A permit was assigned concurrently; the waker will be called.
            None => Poll::Pending,
        }
    }
}

#[pinned_drop]
impl PinnedDrop for Queued {
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        if let Some(place) = this.place.take() {
            this.shared.rule().leave(place, now);
            let waited = now().saturating_duration_since(*this.since);
            this.shared.signals().unqueued(*this.shown, waited);
        }
    }
}
