//! What the shells of the limiters share, bulkhead and shedder: the wait in the queue, the wait for the service after
//! it, and the future of a response.

mod context;
mod future;
mod queued;
mod wait;

use std::fmt;
use std::task::{Poll, Waker};
use std::time::Instant;

use buttress_core::queue::Dropped;
use buttress_core::shed::Refusal;
use buttress_core::{BoxError, Guard, Lease, Name, Rejection};
use buttress_metrics::{LimiterEvent, LimiterSignals};

pub use context::{CallContext, Enter};
pub use future::LimitedFuture;
pub use queued::Queued;

use crate::Lookout;

/// What all calls of one limiter share.
pub trait Limiter: Sized {
    /// What the threads of one processor have of it.
    type Local;
    /// An admitted call, which frees its slot when it is dropped.
    type Guard: Guard + Send + 'static;
    /// The task context for the calls that a service makes.
    type Context: Enter;
    /// A call in the queue.
    type Waiter: fmt::Debug;

    /// The limiter of an admitted call.
    fn of(guard: &Self::Guard) -> &Self;

    /// The name of the handle.
    fn name(&self) -> &Name;

    /// The signals of the handle.
    fn signals(&self) -> &LimiterSignals;

    /// The number of calls that may be in flight.
    fn limit(&self) -> u64;

    /// The result of a wait, or none yet: then `waker` is woken when there is one.
    fn poll(
        lease: &LimiterLease<Self>,
        waiter: &mut Self::Waiter,
        waker: &Waker,
    ) -> Poll<Result<Self::Guard, Refusal>>;

    /// When all waiting on behalf of the call ends, also that for a service once there is a slot, and why.
    fn ends(waiter: &Self::Waiter) -> Option<(Instant, Dropped)>;

    /// Ends a wait at its time. Returns why the call is rejected, unless it was assigned a slot concurrently.
    fn expire(&self, waiter: &Self::Waiter, now: Instant) -> Option<Refusal>;

    /// Ends the wait of a caller that left. A slot that it was assigned meanwhile goes to the next waiter.
    fn leave(&self, waiter: Self::Waiter);

    /// The rejection of a call that has a slot, and whose service did not become ready in time.
    fn refuse(&self, why: Dropped) -> Refusal;

    /// What takes slots back from idle calls while this one waits.
    fn lookout(lease: &LimiterLease<Self>, waiter: &Self::Waiter) -> Option<Lookout> {
        let _ = (lease, waiter);
        None
    }

    /// Puts the limit on its gauge.
    #[cold]
    fn show_limit(&self) {
        // Of two threads that show what they moved, the later one may have read the older limit: it looks again.
        let mut shown = None;
        while shown != Some(self.limit()) {
            let limit = self.limit();
            self.signals().emit(LimiterEvent::LimitChanged(limit));
            shown = Some(limit);
        }
    }

    /// The rejection as an error, with its signal.
    #[cold]
    fn reject(&self, refusal: Refusal) -> BoxError {
        let Refusal {
            reason,
            retry_after,
        } = refusal;
        self.signals().emit(LimiterEvent::Rejected(reason));
        Rejection::new(reason, self.name().clone())
            .with_retry_after(retry_after)
            .into()
    }
}

/// One call's hold on its limiter.
pub type LimiterLease<L> = Lease<L, <L as Limiter>::Local>;

/// The limiter's decision about a call.
#[derive(Debug)]
pub enum Decision<L: Limiter> {
    /// It is made.
    Admitted(L::Guard),
    /// It waits for a slot.
    Queued(Queued<L>),
    /// It is not made.
    Rejected(BoxError),
}
