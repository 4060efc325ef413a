use std::time::Duration;

use buttress_core::{Lease, Mode, Name, Reason, Rejection};
use buttress_metrics::{DeadlineEvent, DeadlineSignals, Phase};

use crate::limits::Limits;

/// The state that all services of a layer share: a name and signals.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) name: Name,
    pub(crate) mode: Mode,
    /// Whether the mode enforces for every call, in a word that is fast to read.
    pub(crate) binds_all: bool,
    pub(crate) limits: Limits,
    /// How long the inner service may take to become ready.
    pub(crate) ready_within: Option<Duration>,
    /// Whether there are any timeouts.
    pub(crate) is_limited: bool,
    pub(crate) signals: DeadlineSignals,
}

pub(crate) type SharedLease = Lease<Shared>;

impl Shared {
    pub(crate) fn new(
        name: Name,
        mode: Mode,
        limits: Limits,
        ready_within: Option<Duration>,
    ) -> Self {
        let signals = DeadlineSignals::new(name.clone());
        Self {
            name,
            mode,
            binds_all: mode == Mode::Enforce,
            limits,
            ready_within,
            is_limited: limits.are_any(),
            signals,
        }
    }

    /// Rejects a call before it is made. Returns `None`, which admits the call, if rejections are not enforced.
    #[cold]
    pub(crate) fn refuse(&self, reason: Reason, binds: bool) -> Option<Rejection> {
        self.signals.emit(if binds {
            DeadlineEvent::Rejected(reason)
        } else {
            DeadlineEvent::WouldReject(reason)
        });
        binds.then(|| Rejection::new(reason, self.name.clone()))
    }

    /// Rejects a call whose deadline passed before the service was ready.
    #[cold]
    pub(crate) fn unready(&self) -> Rejection {
        let reason = Reason::DeadlineExceeded;
        self.signals.emit(DeadlineEvent::Rejected(reason));
        Rejection::new(reason, self.name.clone())
    }

    /// Returns the error that ends a call in flight, or `None` if that is not enforced.
    #[cold]
    pub(crate) fn exceeded(&self, binds: bool) -> Option<Rejection> {
        binds.then(|| Rejection::new(Reason::DeadlineExceeded, self.name.clone()))
    }

    /// Emits that a call has exceeded its deadline.
    #[cold]
    pub(crate) fn tell(&self, phase: Phase, binds: bool) {
        self.signals.emit(if binds {
            DeadlineEvent::Exceeded(phase)
        } else {
            DeadlineEvent::WouldReject(Reason::DeadlineExceeded)
        });
    }
}
