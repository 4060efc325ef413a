use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use crate::bulkhead;
use crate::queue::Dropped;
use crate::shares::Tenant;
use crate::time::nanos;
use crate::upload::ServiceTime;
use crate::{Criticality, Deadline, Reason, Upload};

/// The properties of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// The criticality.
    pub criticality: Criticality,
    /// The deadline of the response.
    pub deadline: Option<Deadline>,
    /// Until when the caller waits, as the request declares. It decides whether a timeout counts, and ends no wait.
    pub caller_deadline: Option<Deadline>,
    /// The tenant, where tenants are [distinguished](super::Shed::tenant).
    pub tenant: Option<Tenant>,
    /// Whether the limit samples the call: the result of [`samples`](super::Shed::samples).
    pub sampled: bool,
}

impl Default for Call {
    /// A sampled call of default criticality, without a deadline or tenant.
    fn default() -> Self {
        Self {
            criticality: Criticality::default(),
            deadline: None,
            caller_deadline: None,
            tenant: None,
            sampled: true,
        }
    }
}

/// An admitted call. It should be [settled](super::Shed::settle) when its result is known, and must be
/// [released](super::Shed::release).
#[derive(Debug)]
#[must_use = "a permit that is not released keeps its slot"]
pub struct Permit {
    /// Not counted once it was returned.
    pub(super) gate: bulkhead::Permit,
    /// `None` once it was settled, and for a call that is not sampled.
    pub(super) begun: Option<Begun>,
    pub(super) claim: Claim,
}

/// Where a call is counted, besides the gate.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Claim {
    pub(super) criticality: Criticality,
    pub(super) sampled: bool,
    pub(super) throttled: bool,
    pub(super) tenant: Option<Tenant>,
}

/// The state when a call began.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) at: Instant,
    /// How long it had waited in the queue.
    pub(super) waited: Duration,
    /// Until when the caller waits, as the request declares.
    pub(super) caller_deadline: Option<Deadline>,
    /// The nanoseconds until the head of the response, once it has arrived.
    pub(super) answered_after: Option<NonZeroU64>,
    /// Whether `answered_after` is the latency of the call. See [`ServiceTime`].
    pub(super) is_exact: bool,
    /// The upload of the request body, if it is tracked.
    pub(super) upload: Option<Upload>,
    // Small, because permits are moved.
    pub(super) in_flight: u32,
    pub(super) at_limit: bool,
    /// Whether the limit samples the call.
    pub(super) sampled: bool,
}

impl Claim {
    /// Whether any rule but the gate counts the call.
    #[inline]
    pub(super) fn is_counted(self) -> bool {
        self.tenant.is_some()
    }
}

impl Begun {
    /// The latency of the call to the head of its response, or to `now`, without the time in which it waited for its
    /// caller.
    pub(super) fn service_time(&self, now: Instant) -> ServiceTime {
        match self.answered_after {
            None => {
                let all = nanos(now.saturating_duration_since(self.at));
                ServiceTime::of(self.upload.as_ref(), all, now)
            }
            Some(nanos) => ServiceTime {
                nanos: nanos.get(),
                is_exact: self.is_exact,
            },
        }
    }

    /// Whether the caller broke off the request.
    pub(super) fn is_broken_off(&self) -> bool {
        self.upload.as_ref().is_some_and(Upload::is_broken_off)
    }
}

impl Permit {
    /// Whether only the gate counts the call.
    #[inline]
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.begun.is_none() && !self.claim.is_counted()
    }

    /// Records until when the caller waits for the response, as its request declares.
    pub(super) fn allow(&mut self, deadline: Option<Deadline>) {
        if let Some(begun) = &mut self.begun {
            begun.caller_deadline = deadline;
        }
    }

    /// Records the upload of the request body.
    #[inline]
    pub fn owe(&mut self, upload: impl FnOnce() -> Option<Upload>) {
        if let Some(begun) = &mut self.begun {
            begun.upload = upload();
        }
    }

    /// Records that the response has begun. The latency ends here: the time of the body depends on the caller, which
    /// may read a stream for hours.
    #[inline]
    pub fn answered(&mut self, now: impl FnOnce() -> Instant) {
        if let Some(begun) = &mut self.begun
            && begun.answered_after.is_none()
        {
            let time = begun.service_time(now());
            begun.answered_after = NonZeroU64::new(time.nanos.max(1));
            begun.is_exact = time.is_exact;
        }
    }
}

/// The decision about a call.
#[derive(Debug)]
#[must_use = "it may hold a permit"]
pub enum Admission {
    /// Admitted.
    Admitted {
        /// To be released when the call has ended.
        permit: Permit,
        /// Why the call would have been rejected, if rejections were enforced.
        would_reject: Option<Reason>,
    },
    /// Rejected.
    Rejected(Refusal),
    /// In the queue.
    Waiting(Waiter),
}

/// Why a call is rejected, and when to retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The reason.
    pub reason: Reason,
    /// How long to wait before a retry, if that is known. It includes jitter, so that not all callers retry at once.
    pub retry_after: Option<Duration>,
}

/// A waiter in the queue. A caller that stops waiting must [leave](super::Shed::leave).
#[derive(Debug)]
#[must_use = "a waiter that does not leave keeps its room in the queue"]
pub struct Waiter {
    pub(super) gate: bulkhead::Waiter,
    pub(super) claim: Claim,
    pub(super) caller_deadline: Option<Deadline>,
    pub(super) since: Instant,
}

impl Waiter {
    /// When to [expire](super::Shed::expire) the waiter. `None` for never.
    #[must_use]
    pub fn expires_at(&self) -> Option<Instant> {
        self.gate.expires_at()
    }

    /// When all waiting for the call ends, and why. That includes the wait for the service to become ready.
    #[must_use]
    pub fn ends(&self) -> Option<(Instant, Dropped)> {
        self.gate.ends()
    }
}
