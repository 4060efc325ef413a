use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use buttress_core::budget::{Cost, Reservation};
use buttress_core::{BoxError, Deadline, Lease};
use buttress_metrics::HedgeEvent;
use buttress_shell::now;
use tower_service::Service;

use super::handle::Shared;
use crate::budget::BudgetReservation;
use crate::repeat::{Attempt, Repeat};

/// What is needed to make the second attempt of a call.
pub(super) struct HedgeAttempt<S, Req, P: Repeat<Req>> {
    pub(super) service: S,
    pub(super) saved: P::Saved,
    pub(super) binds: bool,
    /// Whether the response to one attempt may have been caused by the other.
    pub(super) may_collide: bool,
    pub(super) delay: Duration,
    pub(super) deadline: Option<Deadline>,
    /// `Some` once a second attempt is decided.
    pub(super) payment: Option<Paid>,
}

/// A paid second attempt, from the hedge's share and the shared budget.
pub(super) struct Paid {
    shared: Lease<Shared>,
    /// `None` once settled.
    reservation: Option<Reservation>,
    payment: Option<BudgetReservation>,
    begun: bool,
}

impl<S, Req, P> HedgeAttempt<S, Req, P>
where
    S: Service<Req>,
    S::Error: Into<BoxError>,
    P: Repeat<Req>,
{
    /// Decides after the delay whether there is a second attempt, and pays for it.
    pub(super) fn decide(&mut self, shared: &Lease<Shared>, protocol: &P) -> bool {
        if !self.is_in_time(now()) || !protocol.is_complete(&self.saved) {
            return false;
        }
        let Some(mut paid) = Paid::reserve(shared) else {
            shared.signals.emit(HedgeEvent::Withheld);
            return false;
        };
        if self.binds {
            self.payment = Some(paid);
        } else {
            paid.begin();
            shared.signals.emit(HedgeEvent::WouldHedge);
        }
        self.binds
    }

    /// Starts the attempt when the service is ready. If the service fails or the request cannot be replayed, the
    /// first attempt continues alone.
    pub(super) fn poll_begin(
        &mut self,
        cx: &mut Context<'_>,
        protocol: &P,
        started: Instant,
    ) -> Poll<Option<S::Future>> {
        if ready!(self.service.poll_ready(cx)).is_err() {
            return Poll::Ready(None);
        }
        let now = now();
        if !self.is_in_time(now) {
            // The service became ready too late for the attempt to win.
            return Poll::Ready(None);
        }
        let attempt = Attempt {
            number: 2,
            counted: 1,
        };
        let Ok(mut request) = protocol.replay(&self.saved, attempt) else {
            return Poll::Ready(None);
        };
        if self.deadline.is_some() {
            protocol.add_elapsed(&mut request, now.saturating_duration_since(started));
        }
        if let Some(paid) = &mut self.payment {
            paid.begin();
        }
        Poll::Ready(Some(self.service.call(request)))
    }

    /// Whether an attempt can still win. Nine of ten attempts take less than the delay, so less time than that is too
    /// late.
    fn is_in_time(&self, now: Instant) -> bool {
        self.deadline
            .is_none_or(|deadline| deadline.allows(now, self.delay))
    }
}

impl Paid {
    fn reserve(shared: &Lease<Shared>) -> Option<Self> {
        let payment = match &shared.budget {
            Some(budget) => Some(budget.reserve(Cost::ONE).ok()?),
            None => None,
        };
        let reservation = shared.delay.reserve(now()).ok()?;
        Some(Self {
            shared: shared.clone(),
            reservation: Some(reservation),
            payment,
            begun: false,
        })
    }

    fn begin(&mut self) {
        self.begun = true;
        if let Some(payment) = &mut self.payment {
            payment.begin();
        }
    }
}

impl Drop for Paid {
    fn drop(&mut self) {
        if let Some(reservation) = self.reservation.take() {
            if self.begun {
                self.shared.delay.finish(reservation);
            } else {
                self.shared.delay.refund(reservation, now());
            }
        }
    }
}
