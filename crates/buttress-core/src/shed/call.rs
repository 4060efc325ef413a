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
    /// How much it matters.
    pub criticality: Criticality,
    /// By when its answer is wanted.
    pub deadline: Option<Deadline>,
    /// Until when its caller waits, as the request itself says. It is for judging timeouts, and ends no wait.
    pub caller_deadline: Option<Deadline>,
    /// Its tenant, where tenants are [distinguished](super::Shed::tenant).
    pub tenant: Option<Tenant>,
    /// Whether the limit learns from it: the result of [`samples`](super::Shed::samples).
    pub sampled: bool,
}

impl Default for Call {
    /// A call of which nothing is known, and from which the limit learns.
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

/// An admitted call. It is to be [settled](super::Shed::settle) when its result is known, and must be
/// [released](super::Shed::release).
#[derive(Debug)]
#[must_use = "a permit that is not released keeps its slot"]
pub struct Permit {
    /// Uncounted once it was given back.
    pub(super) gate: bulkhead::Permit,
    /// `None` once it was settled, and where nothing is learnt from the call: the mode was off, or there are very many others.
    pub(super) begun: Option<Begun>,
    pub(super) claim: Claim,
}

/// Where a call is counted besides the gate.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Claim {
    pub(super) criticality: Criticality,
    pub(super) sampled: bool,
    pub(super) throttled: bool,
    pub(super) tenant: Option<Tenant>,
}

/// How things stood when a call began.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) at: Instant,
    /// How long it had waited in the queue.
    pub(super) waited: Duration,
    /// Until when its caller waits, as the request itself says.
    pub(super) caller_deadline: Option<Deadline>,
    /// How many nanoseconds it took until there was an answer, if there is more of it to come.
    pub(super) answered_after: Option<NonZeroU64>,
    /// Whether that is how long calls take.
    pub(super) is_exact: bool,
    /// What its caller owes of the request, if anything keeps count of that.
    pub(super) upload: Option<Upload>,
    // A permit is moved now and then, so it is kept small.
    pub(super) in_flight: u32,
    pub(super) at_limit: bool,
    /// Whether the limit learns from it.
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
    /// How long the call has taken to the head of its answer, or to `now`. What it waited for its caller is not counted.
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

    /// Whether the caller broke the request off.
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

    /// Notes until when the caller waits for the answer, as its request says.
    pub(super) fn allow(&mut self, deadline: Option<Deadline>) {
        if let Some(begun) = &mut self.begun {
            begun.caller_deadline = deadline;
        }
    }

    /// Notes what the caller owes of the request.
    #[inline]
    pub fn owe(&mut self, upload: impl FnOnce() -> Option<Upload>) {
        if let Some(begun) = &mut self.begun {
            begun.upload = upload();
        }
    }

    /// The response has begun. The sample is the time until then: the time of the rest depends on the caller, which may
    /// read a stream for hours.
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

/// The result of a call.
#[derive(Debug)]
#[must_use = "it may hold a permit"]
pub enum Admission {
    /// It may be made.
    Admitted {
        /// To be released when it has ended.
        permit: Permit,
        /// Why it would have been rejected, if it were enforced.
        would_reject: Option<Reason>,
    },
    /// It may not be made.
    Rejected(Refusal),
    /// It may be made when its turn comes.
    Waiting(Waiter),
}

/// Why a call is not made, and when it may be worth trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// After how long, if there is reason to think so. It is drawn, so that not all retry at once.
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

    /// When all waiting on behalf of the call ends, also that for a service once there is a slot, and why.
    #[must_use]
    pub fn ends(&self) -> Option<(Instant, Dropped)> {
        self.gate.ends()
    }
}
