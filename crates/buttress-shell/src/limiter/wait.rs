use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use buttress_core::queue::Dropped;
use buttress_core::{BoxError, PanicWatch};
use pin_project::pin_project;
use tower_service::Service;

use super::{Limiter, Queued};
use crate::Timer;
use crate::refuse::drop_refused;

/// A call that waits for a slot, with everything needed to make it then.
///
/// It waits with a service that was not polled ready, so that it holds nothing of inner layers. The service is polled
/// ready once there is a slot. Both waits together are limited by the configuration and the deadline, so a slot is
/// not held for a service that does not become ready.
#[pin_project]
pub(super) struct Wait<S, Req, L: Limiter> {
    /// `None` once there is a slot.
    #[pin]
    queued: Option<Queued<L>>,
    service: S,
    /// When the wait ends, and why.
    ends: Option<(Instant, Dropped)>,
    /// The timer of the wait for the service.
    #[pin]
    timer: Timer,
    /// `None` once the call is made.
    request: Option<Req>,
}

impl<S, Req, L> Wait<S, Req, L>
where
    S: Service<Req>,
    S::Error: Into<BoxError>,
    L: Limiter,
{
    pub(super) fn new(queued: Queued<L>, service: S, request: Req) -> Self {
        Self {
            ends: queued.ends(),
            queued: Some(queued),
            service,
            timer: Timer::default(),
            request: Some(request),
        }
    }

    /// Makes the call, and stores its slot in `guard`; or returns why it is rejected.
    pub(super) fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        guard: &mut Option<L::Guard>,
    ) -> Poll<Result<S::Future, BoxError>> {
        let mut this = self.project();
        if let Some(mut queued) = this.queued.as_mut().as_pin_mut() {
            match ready!(queued.as_mut().poll(cx)) {
                Ok(admitted) => *guard = Some(admitted),
                Err(refusal) => {
                    drop_refused(this.request.take());
                    return Poll::Ready(Err(queued.limiter().reject(refusal)));
                }
            }
            this.queued.set(None);
        }
        let watch = PanicWatch::new(guard);
        let polled = this.service.poll_ready(cx);
        watch.disarm();
        match polled {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => {
                *guard = None;
                // The service was not called.
                drop_refused(this.request.take());
                return Poll::Ready(Err(error.into()));
            }
            Poll::Pending => {
                let Some((at, why)) = *this.ends else {
                    return Poll::Pending;
                };
                ready!(this.timer.poll(at, cx));
                let held = guard
                    .take()
                    .expect("the guard was set at the end of the first wait");
                drop_refused(this.request.take());
                let limiter = L::of(&held);
                return Poll::Ready(Err(limiter.reject(limiter.refuse(why))));
            }
        }
        let request = this.request.take().expect("polled after completion");
        let watch = PanicWatch::new(guard);
        let future = this.service.call(request);
        watch.disarm();
        Poll::Ready(Ok(future))
    }
}
