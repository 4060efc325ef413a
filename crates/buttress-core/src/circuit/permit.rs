use std::time::{Duration, Instant};

use super::state::Transition;
use super::word::Tag;
use crate::time::nanos;
use crate::upload::ServiceTime;
use crate::{Deadline, Reason, Upload};

/// The right to make one call, to be settled or cancelled exactly once.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a permit that is neither settled nor cancelled holds its probe slot until its lease ends"]
pub struct Permit {
    /// Which epoch of the circuit admitted it: its result counts in that epoch only.
    pub(super) tag: Tag,
    pub(super) granted: Instant,
    /// After how many nanoseconds the head of the answer came; 0 while it has not. The call is timed to there.
    pub(super) answered_after: u64,
    /// How many nanoseconds the request itself says that its caller waits; `u64::MAX` if it does not say so.
    pub(super) allowed: u64,
    /// What its caller owes of the request, if anything keeps count of that.
    pub(super) upload: Option<Upload>,
    /// Whether the time that it took tells how long calls take.
    pub(super) is_exact: bool,
    pub(super) role: Role,
}

impl Permit {
    pub(super) fn new(tag: Tag, granted: Instant, role: Role) -> Self {
        Self {
            tag,
            granted,
            answered_after: 0,
            allowed: u64::MAX,
            upload: None,
            is_exact: true,
            role,
        }
    }

    /// Notes until when the caller waits for the answer, as its request says.
    #[inline]
    pub fn allow(&mut self, deadline: Option<Deadline>) {
        if let Some(deadline) = deadline {
            self.allowed = nanos(deadline.remaining(self.granted));
        }
    }

    /// Notes what the caller owes of the request.
    #[inline]
    pub fn owe(&mut self, upload: Option<Upload>) {
        if upload.is_some() {
            self.upload = upload;
        }
    }

    /// How long its call has taken to the head of its answer, in nanoseconds; to now while that has not come. What it
    /// waited for its caller is not counted.
    pub(super) fn took(&self, now: Instant) -> u64 {
        self.service_time(now).nanos
    }

    pub(super) fn service_time(&self, now: Instant) -> ServiceTime {
        match self.answered_after {
            0 => {
                let all = nanos(now.saturating_duration_since(self.granted));
                ServiceTime::of(self.upload.as_ref(), all, now)
            }
            nanos => ServiceTime {
                nanos,
                is_exact: self.is_exact,
            },
        }
    }

    /// Whether the caller broke the request off.
    pub(super) fn is_broken_off(&self) -> bool {
        self.upload.as_ref().is_some_and(Upload::is_broken_off)
    }

    /// Whether its call is a probe of a half-open circuit.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        matches!(self.role, Role::Probe(_))
    }

    /// Whether its call was to be evidence, and for a period that is over by `epoch`.
    pub(super) fn is_stale(&self, epoch: u64) -> bool {
        self.role != Role::Passenger && self.tag.epoch() != epoch
    }
}

/// What a call is to the circuit that admitted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// An ordinary call.
    Call,
    /// Let through although it would have been rejected, or while the circuit is off: its outcome is no
    /// evidence.
    Passenger,
    /// A probe, in the slot with this number.
    Probe(u64),
}

/// The answer to [`Circuit::admit`](super::Circuit::admit).
#[derive(Debug)]
pub struct Admission {
    /// The permit, or the rejection.
    pub verdict: Result<Permit, Refusal>,
    /// Why the call would have been rejected, had the mode been to enforce.
    pub would_reject: Option<Reason>,
    /// The step that the circuit took on this occasion, if it took one.
    pub transition: Option<Transition>,
}

/// A circuit's rejection of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// How long until the circuit may admit a call; unknown while an operator holds it open.
    pub retry_after: Option<Duration>,
}

/// The answer to [`Circuit::settle`](super::Circuit::settle) and [`Circuit::cancel`](super::Circuit::cancel).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settlement {
    /// How the call was judged, after attribution: a timeout that came too soon is `Ignored`. `None` for a
    /// call that was cancelled.
    pub outcome: Option<crate::Outcome>,
    /// Whether the call took longer than the slow-call threshold.
    pub slow: bool,
    /// Whether the call belongs to an earlier period of the circuit, and so changed nothing.
    pub stale: bool,
    /// The step that the circuit took on this occasion, if it took one.
    pub transition: Option<Transition>,
    /// Whether a probe slot became free.
    pub freed: bool,
}
