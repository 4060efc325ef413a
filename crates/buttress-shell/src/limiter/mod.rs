//! The shell of a limiter, for bulkheads and shedders: the wait in the queue, the following wait for the service, and
//! the response future.

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

/// A limiter, as its shell uses it.
pub trait Limiter: Sized {
    /// The state for the threads of one processor.
    type Local;
    /// An admitted call. Dropping it releases its slot.
    type Guard: Guard + Send + 'static;
    /// The task context for the calls that the service makes.
    type Context: Enter;
    /// A call in the queue.
    type Waiter: fmt::Debug;

    /// Returns the limiter of an admitted call.
    fn of(guard: &Self::Guard) -> &Self;

    /// Returns the name of the handle.
    fn name(&self) -> &Name;

    /// Returns the signals of the handle.
    fn signals(&self) -> &LimiterSignals;

    /// Returns the current limit on calls in flight.
    fn limit(&self) -> u64;

    /// Polls the result of a wait. `waker` is woken when there is one.
    fn poll(
        lease: &LimiterLease<Self>,
        waiter: &mut Self::Waiter,
        waker: &Waker,
    ) -> Poll<Result<Self::Guard, Refusal>>;

    /// Returns when all waits of the call end, including that for the service after it has a slot, and why.
    fn ends(waiter: &Self::Waiter) -> Option<(Instant, Dropped)>;

    /// Ends a wait at its time. Returns why the call is rejected, unless it was assigned a slot concurrently.
    fn expire(&self, waiter: &Self::Waiter, now: Instant) -> Option<Refusal>;

    /// Ends the wait of a call that is dropped. A slot that it was assigned concurrently goes to the next waiter.
    fn leave(&self, waiter: Self::Waiter);

    /// Returns the rejection of a call that has a slot, but whose service did not become ready in time.
    fn refuse(&self, why: Dropped) -> Refusal;

    /// Returns the timer that takes slots back from idle bodies while this call waits.
    fn lookout(lease: &LimiterLease<Self>, waiter: &Self::Waiter) -> Option<Lookout> {
        let _ = (lease, waiter);
        None
    }

    /// Sets the gauge of the limit.
    #[cold]
    fn show_limit(&self) {
        // If two threads set the gauge, the later one may have read the older limit, so it reads again.
        let mut shown = None;
        while shown != Some(self.limit()) {
            let limit = self.limit();
            self.signals().emit(LimiterEvent::LimitChanged(limit));
            shown = Some(limit);
        }
    }

    /// Emits a rejection, and returns it as an error.
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

/// A call's reference to its limiter.
pub type LimiterLease<L> = Lease<L, <L as Limiter>::Local>;

/// The limiter's decision about a call.
#[derive(Debug)]
pub enum Decision<L: Limiter> {
    /// The call is made.
    Admitted(L::Guard),
    /// The call waits for a slot.
    Queued(Queued<L>),
    /// The call is rejected.
    Rejected(BoxError),
}
