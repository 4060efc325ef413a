use std::fmt;
use std::time::Instant;

use buttress_core::shed::{Admission, Call, Refusal, Shed, Stripe};
use buttress_core::{BoxError, Lease, Name, Pressure, Rejection, Striped};
use buttress_metrics::{ShedEvent, ShedSignals};

use crate::ShedGuard;
use crate::measure::Measure;
use crate::queued::Queued;
use crate::shedder::now;

/// What all layers and services of one shedder share.
pub(crate) struct Shared {
    name: Name,
    rule: Shed,
    signals: ShedSignals,
    measure: Measure,
}

/// One call's hold on what it shares.
pub(crate) type SharedLease = Lease<Shared, Stripe>;

/// What calls have it from.
pub(crate) type SharedStripes = Striped<Shared, Stripe>;

/// The result for a call to which more rules apply.
pub(crate) enum Answer {
    Admitted(ShedGuard),
    Queued(Queued),
    Rejected(BoxError),
}

impl Shared {
    pub(crate) fn new(name: Name, rule: Shed, now: Instant) -> Self {
        Self {
            signals: ShedSignals::new(name.clone(), rule.limit()),
            measure: Measure::new(now),
            name,
            rule,
        }
    }

    pub(crate) fn name(&self) -> &Name {
        &self.name
    }

    #[inline]
    pub(crate) fn rule(&self) -> &Shed {
        &self.rule
    }

    #[inline]
    pub(crate) fn signals(&self) -> &ShedSignals {
        &self.signals
    }

    #[cold]
    pub(crate) fn show_limit(&self) {
        // Of two threads that show what they moved, the later one may have read the older limit: it looks again.
        let mut shown = None;
        while shown != Some(self.rule.limit()) {
            let limit = self.rule.limit();
            self.signals.limited(limit);
            shown = Some(limit);
        }
    }

    /// The rejection as an error, with its signal.
    #[cold]
    pub(crate) fn reject(&self, refusal: Refusal) -> BoxError {
        self.signals.emit(ShedEvent::Rejected(refusal.reason));
        Rejection::new(refusal.reason, self.name.clone())
            .with_retry_after(refusal.retry_after)
            .into()
    }

    pub(crate) fn update_pressure(&self, pressure: Pressure) {
        let before = self.rule.least();
        let least = self.rule.update_pressure(pressure);
        if least != before {
            self.signals.emit(ShedEvent::Pressed(least));
        }
    }

    fn look(&self) {
        if self.rule.is_watched()
            && let Some(pressure) = self.measure.due(now())
        {
            self.update_pressure(pressure);
        }
    }
}

/// Decides about a call.
#[cold]
pub(crate) fn admit(lease: SharedLease, call: Call, draw: impl FnOnce() -> u64) -> Answer {
    lease.look();
    match lease.rule.admit(call, draw, now) {
        Admission::Admitted {
            permit,
            would_reject,
        } => {
            if let Some(reason) = would_reject {
                lease.signals.emit(ShedEvent::WouldReject(reason));
            }
            Answer::Admitted(ShedGuard::new(lease, permit))
        }
        Admission::Rejected(refusal) => Answer::Rejected(lease.reject(refusal)),
        Admission::Waiting(place) => Answer::Queued(Queued::new(lease, place)),
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("name", &self.name)
            .field("rule", &self.rule)
            .finish_non_exhaustive()
    }
}
