use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use buttress_core::circuit::{
    Circuit, CircuitState, Permit, Readiness, Refusal, Settlement, Transition,
};
use buttress_core::{Ending, Lease, Name, Outcome, Rejection, Report, Striped};
use buttress_metrics::{BreakerEvent, BreakerSignals};
use buttress_shell::{now, random};
use tokio::sync::Notify;

use crate::BreakerGuard;
use crate::keyed::Home;

/// The state that all layers and services of a breaker share: the circuit, its signals and its waiters.
pub(crate) struct Shared {
    name: Name,
    circuit: Circuit,
    signals: BreakerSignals,
    /// Wakes `poll_ready` of waiting services after the circuit has changed.
    changed: Arc<Notify>,
    /// The set and key of a breaker, if it belongs to one.
    home: Option<Home>,
}

impl Shared {
    pub(crate) fn new(
        name: Name,
        circuit: Circuit,
        signals: BreakerSignals,
        home: Option<Home>,
    ) -> Self {
        Self {
            home,
            name,
            circuit,
            signals,
            changed: Arc::default(),
        }
    }

    pub(crate) fn name(&self) -> &Name {
        &self.name
    }

    /// The key, if the breaker belongs to a set.
    pub(crate) fn key(&self) -> Option<&Name> {
        self.home.as_ref().map(Home::key)
    }

    pub(crate) fn circuit(&self) -> &Circuit {
        &self.circuit
    }

    pub(crate) fn home(&self) -> Option<&Home> {
        self.home.as_ref()
    }

    pub(crate) fn changed(&self) -> &Arc<Notify> {
        &self.changed
    }

    /// Ends an admitted call with its result.
    pub(crate) fn settle(&self, permit: Permit, report: Report, now: Instant) {
        self.conclude(self.circuit.settle(permit, report, now, random));
    }

    /// The fast path of `settle`. Returns `false` if it does not apply; the permit is then unchanged.
    #[inline]
    pub(crate) fn settle_in_time(&self, permit: &Permit, outcome: Outcome, now: Instant) -> bool {
        let is_settled = self.circuit.settle_in_time(permit, outcome, now);
        if is_settled {
            self.signals.emit(BreakerEvent::Settled(Outcome::Success));
        }
        is_settled
    }

    /// Ends an admitted call that was cancelled.
    #[cold]
    #[inline(never)]
    pub(crate) fn cancel(&self, permit: Permit) {
        let ending = Ending::current();
        self.conclude(self.circuit.cancel(permit, ending, now(), random));
    }

    /// Returns a slot without a call.
    pub(crate) fn withdraw(&self, permit: Permit) {
        if self.circuit.withdraw(permit) {
            self.changed.notify_one();
        }
    }

    fn conclude(&self, settlement: Settlement) {
        let event = settlement
            .outcome
            .map_or(BreakerEvent::Cancelled, BreakerEvent::Settled);
        self.signals.emit(event);
        if settlement.slow {
            self.signals.emit(BreakerEvent::Slow);
        }
        if settlement.stale {
            self.signals.emit(BreakerEvent::Stale);
        }
        if settlement.freed {
            self.changed.notify_one();
        }
        self.announce(settlement.transition);
    }

    #[inline]
    fn reject(&self, refusal: Refusal) -> Rejection {
        self.signals.emit(BreakerEvent::Rejected(refusal.reason));
        Rejection::new(refusal.reason, self.name.clone())
            .with_key(self.key().cloned())
            .with_retry_after(refusal.retry_after)
    }

    /// Emits the transition, and wakes the waiters.
    #[inline]
    pub(crate) fn announce(&self, transition: Option<Transition>) {
        if let Some(step) = transition {
            self.signals.emit(BreakerEvent::Transition(step));
            if step.to != CircuitState::Open {
                self.wake_all();
            }
        }
    }

    pub(crate) fn explain_isolation(&self, why: &str) {
        self.signals.explain_isolation(why);
    }

    pub(crate) fn wake_all(&self) {
        self.changed.notify_waiters();
    }
}

/// Asks the circuit to admit a call. `identity` is that of the request, if it has one.
#[inline]
pub(crate) fn admit(
    shared: &Striped<Shared>,
    now: Instant,
    identity: impl FnOnce() -> Option<u64>,
) -> Result<BreakerGuard, Rejection> {
    if let Some(refusal) = shared.circuit.refuse_at_once(now) {
        return Err(shared.reject(refusal));
    }
    let admission = shared.circuit.admit_by_identity(now, identity, random);
    shared.announce(admission.transition);
    if let Some(reason) = admission.would_reject {
        shared.signals.emit(BreakerEvent::WouldReject(reason));
    }
    match admission.verdict {
        Ok(permit) => Ok(BreakerGuard::new(shared.lease(), permit)),
        Err(refusal) => Err(shared.reject(refusal)),
    }
}

/// Reserves a slot before the call, if the circuit is half-open.
pub(crate) fn reserve(shared: &Striped<Shared>) -> Readiness {
    let reservation = shared.circuit.reserve(now(), random);
    shared.announce(reservation.transition);
    reservation.readiness
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("name", &self.name)
            .field("circuit", &self.circuit)
            .finish_non_exhaustive()
    }
}

/// A call's reference to the shared state.
pub(crate) type SharedLease = Lease<Shared>;
