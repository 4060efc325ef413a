use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use buttress_core::WhenSaturated;
use buttress_core::bulkhead::Admission;
use buttress_shell::{Queued, now};

use crate::BulkheadGuard;
use crate::shared::{Shared, SharedStripes, try_admit};

/// The readiness of one clone of a service.
#[derive(Debug)]
pub(crate) struct Readiness {
    when_saturated: WhenSaturated,
    /// A slot for the next call.
    reserved: Option<BulkheadGuard>,
    /// Boxed, because it is needed only while there is no free slot.
    waiting: Option<Pin<Box<Queued<Shared>>>>,
}

impl Readiness {
    pub(crate) fn new(when_saturated: WhenSaturated) -> Self {
        Self {
            when_saturated,
            reserved: None,
            waiting: None,
        }
    }

    /// Ready if there is a slot, or if saturation does not affect readiness.
    #[inline]
    pub(crate) fn poll(&mut self, shared: &SharedStripes, cx: &mut Context<'_>) -> Poll<()> {
        match self.when_saturated {
            WhenSaturated::Reject => Poll::Ready(()),
            WhenSaturated::Unready => self.poll_reserved(shared, cx),
        }
    }

    /// Whether a slot is reserved for the next call.
    #[inline]
    pub(crate) fn has_slot(&self) -> bool {
        self.reserved.is_some()
    }

    /// Takes the reserved slot.
    pub(crate) fn take(&mut self) -> Option<BulkheadGuard> {
        self.reserved.take()
    }

    /// Releases a slot that no call is going to use for now.
    #[inline]
    pub(crate) fn release(&mut self) {
        self.reserved = None;
    }

    fn poll_reserved(&mut self, shared: &SharedStripes, cx: &mut Context<'_>) -> Poll<()> {
        if self.reserved.is_some() {
            return Poll::Ready(());
        }
        if self.waiting.is_none() {
            self.reserved = try_admit(shared);
            if self.reserved.is_some() {
                return Poll::Ready(());
            }
            let lease = shared.lease();
            match lease.rule().reserve(now) {
                Some(Admission::Admitted { permit, .. }) => {
                    self.reserved = Some(BulkheadGuard::new(lease, permit));
                    return Poll::Ready(());
                }
                Some(Admission::Waiting(place)) => {
                    self.waiting = Some(Box::pin(Queued::new(lease, place)));
                }
                Some(Admission::Rejected(_)) | None => return Poll::Ready(()),
            }
        }
        if let Some(waiting) = &mut self.waiting {
            let place = ready!(waiting.as_mut().poll(cx));
            self.waiting = None;
            self.reserved = place.ok();
        }
        Poll::Ready(())
    }
}

/// A clone starts unready: it shares neither a slot nor a place in the queue.
impl Clone for Readiness {
    fn clone(&self) -> Self {
        Self::new(self.when_saturated)
    }
}
