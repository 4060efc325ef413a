use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use buttress_core::circuit;
use buttress_core::{Striped, WhenSaturated};
use buttress_shell::{Timer, now};
use pin_project::pin_project;
use tokio::sync::futures::OwnedNotified;

use crate::BreakerGuard;
use crate::reserved::Reserved;
use crate::shared::{Shared, reserve};

/// The readiness of one clone of a service.
#[derive(Debug)]
pub(crate) struct Readiness {
    when_saturated: WhenSaturated,
    /// Boxed, because it is needed only while the circuit is not closed, and many services are cloned for each call.
    held: Option<Box<Held>>,
}

#[derive(Debug)]
enum Held {
    /// A probe slot for the next call.
    Reserved(Reserved),
    Waiting(Pin<Box<Waiting>>),
}

/// A wait until the circuit changes, or until the next check.
#[derive(Debug)]
#[pin_project]
struct Waiting {
    #[pin]
    changed: OwnedNotified,
    /// The time of the next check; `None` if only a change of the circuit ends the wait.
    until: Option<Instant>,
    #[pin]
    timer: Timer,
}

impl Readiness {
    pub(crate) fn new(when_saturated: WhenSaturated) -> Self {
        Self {
            when_saturated,
            held: None,
        }
    }

    /// Ready if the circuit would admit a call, or if saturation does not affect readiness.
    #[inline]
    pub(crate) fn poll(&mut self, shared: &Striped<Shared>, cx: &mut Context<'_>) -> Poll<()> {
        match self.when_saturated {
            WhenSaturated::Reject => Poll::Ready(()),
            WhenSaturated::Unready => self.poll_admissible(shared, cx),
        }
    }

    /// Whether a slot is reserved for the next call.
    #[inline]
    pub(crate) fn has_reserved(&self) -> bool {
        self.held.is_some() && self.holds_slot()
    }

    /// Takes the slot, if it has not expired.
    pub(crate) fn take(&mut self) -> Option<BreakerGuard> {
        if !self.has_reserved() {
            return None;
        }
        match *self.held.take()? {
            Held::Reserved(reserved) => reserved.redeem(),
            Held::Waiting(_) => None,
        }
    }

    /// Releases a slot that no call is going to use for now.
    #[inline]
    pub(crate) fn release(&mut self) {
        if self.has_reserved() {
            self.held = None;
        }
    }

    #[cold]
    fn holds_slot(&self) -> bool {
        matches!(self.held.as_deref(), Some(Held::Reserved(_)))
    }

    fn poll_admissible(&mut self, shared: &Striped<Shared>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match self.held.as_deref_mut() {
                Some(Held::Reserved(_)) => return Poll::Ready(()),
                Some(Held::Waiting(waiting)) => {
                    ready!(waiting.as_mut().poll(cx));
                    self.held = None;
                }
                None => {}
            }
            // Subscribes before the check, so that no change is missed in between.
            let changed = Arc::clone(shared.changed()).notified_owned();
            match reserve(shared) {
                circuit::Readiness::Admissible => return Poll::Ready(()),
                circuit::Readiness::Held(permit) => {
                    let reserved = Reserved::new(shared.lease(), permit);
                    self.held = Some(Box::new(Held::Reserved(reserved)));
                    return Poll::Ready(());
                }
                // Without timers, the next check cannot be scheduled.
                circuit::Readiness::Unready(_) if Timer::at(now()).is_none() => {
                    return Poll::Ready(());
                }
                circuit::Readiness::Unready(wait) => {
                    let waiting = Box::pin(Waiting::new(changed, wait));
                    self.held = Some(Box::new(Held::Waiting(waiting)));
                }
            }
        }
    }
}

/// A clone starts unready: it shares neither a slot nor a place in a queue.
impl Clone for Readiness {
    fn clone(&self) -> Self {
        Self::new(self.when_saturated)
    }
}

impl Waiting {
    fn new(changed: OwnedNotified, wait: Option<Duration>) -> Self {
        Self {
            changed,
            until: wait.and_then(|wait| now().checked_add(wait)),
            timer: Timer::default(),
        }
    }
}

impl Future for Waiting {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if this.changed.poll(cx).is_ready() {
            return Poll::Ready(());
        }
        match *this.until {
            Some(until) => this.timer.poll(until, cx),
            None => Poll::Pending,
        }
    }
}
