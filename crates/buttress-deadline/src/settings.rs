use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use buttress_core::{Lease, Mode, Name, Reason, Rejection};
use buttress_metrics::{DeadlineEvent, DeadlineSignals, Phase};

use crate::limits::Limits;

/// What the services of all layers share of one configuration. A call keeps the settings that it started with.
#[expect(unnameable_types, reason = "of a sealed trait, not for other use")]
#[derive(Debug)]
pub struct Settings {
    label: Arc<Label>,
    pub(crate) mode: Mode,
    /// Whether the mode enforces for every call, in a word that is fast to read.
    pub(crate) binds_all: bool,
    /// Whether there is a newer configuration, which a service then reads from its handle.
    is_replaced: AtomicBool,
    pub(crate) limits: Limits,
    /// How long the inner service may take to become ready.
    pub(crate) ready_within: Option<Duration>,
    /// Whether there are any timeouts.
    pub(crate) is_limited: bool,
}

/// The name of a handle, and its signals.
#[expect(unnameable_types, reason = "of a sealed trait, not for other use")]
#[derive(Debug)]
pub struct Label {
    pub(crate) name: Name,
    pub(crate) signals: DeadlineSignals,
}

pub(crate) type SettingsLease = Lease<Settings>;

impl Label {
    pub(crate) fn new(name: Name) -> Self {
        Self {
            signals: DeadlineSignals::new(name.clone()),
            name,
        }
    }
}

impl Settings {
    pub(crate) fn new(
        label: &Arc<Label>,
        mode: Mode,
        limits: Limits,
        ready_within: Option<Duration>,
    ) -> Self {
        Self {
            label: Arc::clone(label),
            mode,
            binds_all: mode == Mode::Enforce,
            is_replaced: AtomicBool::new(false),
            limits,
            ready_within,
            is_limited: limits.are_any(),
        }
    }

    /// Whether there is a newer configuration.
    #[inline]
    pub(crate) fn is_replaced(&self) -> bool {
        self.is_replaced.load(Ordering::Relaxed)
    }

    /// Tells the services that there is a newer configuration. The lock of the handle orders it before their reads.
    pub(crate) fn replaced(&self) {
        self.is_replaced.store(true, Ordering::Relaxed);
    }

    /// Rejects a call before it is made. Returns `None`, which admits the call, if rejections are not enforced.
    #[cold]
    pub(crate) fn refuse(&self, reason: Reason, binds: bool) -> Option<Rejection> {
        self.emit(if binds {
            DeadlineEvent::Rejected(reason)
        } else {
            DeadlineEvent::WouldReject(reason)
        });
        binds.then(|| self.rejection(reason))
    }

    /// Rejects a call whose deadline passed before the service was ready.
    #[cold]
    pub(crate) fn unready(&self) -> Rejection {
        let reason = Reason::DeadlineExceeded;
        self.emit(DeadlineEvent::Rejected(reason));
        self.rejection(reason)
    }

    /// Returns the error that ends a call in flight, or `None` if that is not enforced.
    #[cold]
    pub(crate) fn exceeded(&self, binds: bool) -> Option<Rejection> {
        binds.then(|| self.rejection(Reason::DeadlineExceeded))
    }

    /// Emits that a call has exceeded its deadline.
    #[cold]
    pub(crate) fn tell(&self, phase: Phase, binds: bool) {
        self.emit(if binds {
            DeadlineEvent::Exceeded(phase)
        } else {
            DeadlineEvent::WouldReject(Reason::DeadlineExceeded)
        });
    }

    fn emit(&self, event: DeadlineEvent) {
        self.label.signals.emit(event);
    }

    fn rejection(&self, reason: Reason) -> Rejection {
        Rejection::new(reason, self.label.name.clone())
    }
}
