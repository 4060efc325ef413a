use std::time::{Duration, Instant};

use super::packed_state::Tag;
use super::state::Transition;
use crate::time::nanos;
use crate::{Deadline, Reason, Upload};

/// The right to make one call, to be settled or cancelled exactly once.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a permit that is neither settled nor cancelled holds its probe slot until its lease ends"]
pub struct Permit {
    /// Which epoch of the circuit admitted it: its result counts in that epoch only.
    pub(super) tag: Tag,
    pub(super) granted: Instant,
    /// The nanoseconds until the head of the response, which is the latency of the call; 0 until then. With the bit
    /// [`INEXACT`] if the latency is unknown.
    pub(super) answered_after: u64,
    /// The nanoseconds that the caller waits, as the request declares; `u64::MAX` if it does not.
    pub(super) allowed: u64,
    pub(super) role: Role,
}

impl Permit {
    pub(super) fn new(tag: Tag, granted: Instant, role: Role) -> Self {
        Self {
            tag,
            granted,
            answered_after: 0,
            allowed: u64::MAX,
            role,
        }
    }

    /// Records until when the caller waits for the response, as its request declares.
    #[inline]
    pub fn allow(&mut self, deadline: Option<Deadline>) {
        if let Some(deadline) = deadline {
            self.allowed = nanos(deadline.remaining(self.granted));
        }
    }

    /// Subtracts the time in which the service waited for the caller's request until `now`. Must be called once, when
    /// the head of the response has arrived or the call ended without one.
    #[cold]
    pub fn take_off(&mut self, upload: &Upload, now: Instant) {
        if self.is_answered() {
            return;
        }
        let all = nanos(now.saturating_duration_since(self.granted));
        let time = upload.service_time(all, now);
        let began = now.checked_sub(Duration::from_nanos(time.nanos));
        self.granted = began.unwrap_or(self.granted);
        if !time.is_exact {
            self.answered_after = INEXACT;
        }
    }

    /// Whether the head of the response has arrived.
    pub(super) fn is_answered(&self) -> bool {
        self.answered_after & !INEXACT != 0
    }

    /// Records that the head of the response arrived `now`.
    pub(super) fn answer(&mut self, now: Instant) {
        if !self.is_answered() {
            self.answered_after |= self.took(now).clamp(1, !INEXACT);
        }
    }

    /// Whether the latency of the call is known.
    pub(super) fn is_exact(&self) -> bool {
        self.answered_after & INEXACT == 0
    }

    /// The latency of the call to the head of its response, or to `now`, in nanoseconds.
    pub(super) fn took(&self, now: Instant) -> u64 {
        match self.answered_after & !INEXACT {
            0 => nanos(now.saturating_duration_since(self.granted)),
            after => after,
        }
    }

    /// Whether its call is a probe of a half-open circuit.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        matches!(self.role, Role::Probe(_))
    }

    /// Whether the outcome counts for an epoch before `epoch`.
    pub(super) fn is_stale(&self, epoch: u64) -> bool {
        self.role != Role::Passenger && self.tag.epoch() != epoch
    }
}

/// Beside a time, for a call whose caller may send more of its request after it was waited for.
pub(super) const INEXACT: u64 = 1 << 63;

/// The role of a call in the circuit that admitted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// An ordinary call.
    Call,
    /// Admitted although it would have been rejected, or while the circuit is off: its outcome is not counted.
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
