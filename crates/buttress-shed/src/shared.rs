use std::fmt;
use std::task::{Poll, Waker};
use std::time::Instant;

use buttress_core::queue::Dropped;
use buttress_core::shed::{Admission, Call, Refusal, Shed, Stripe};
use buttress_core::{Name, Pressure, Striped, TaskContext, Upload};
use buttress_metrics::{Limiter as Kind, LimiterEvent, LimiterSignals};
use buttress_shell::{Decision, Limiter, LimiterLease, Queued, now, random};

use crate::ShedGuard;
use crate::measure::Measure;

/// The state that all layers and services of a shedder share.
#[expect(
    unnameable_types,
    reason = "a type parameter of the future, not for other use"
)]
pub struct Shared {
    name: Name,
    rule: Shed,
    signals: LimiterSignals,
    measure: Measure,
}

/// A call's reference to the shared state.
pub(crate) type SharedLease = LimiterLease<Shared>;

/// The shared state, in stripes.
pub(crate) type SharedStripes = Striped<Shared, Stripe>;

/// A call in the queue.
#[expect(
    unnameable_types,
    reason = "a type parameter of the future, not for other use"
)]
#[derive(Debug)]
pub struct Waiter {
    place: buttress_core::shed::Waiter,
    /// The upload of the request. The service does not wait for it in the queue.
    upload: Option<Upload>,
}

impl Shared {
    pub(crate) fn new(name: Name, rule: Shed, now: Instant) -> Self {
        Self {
            signals: LimiterSignals::new(Kind::Shedder, name.clone(), rule.limit()),
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
    pub(crate) fn signals(&self) -> &LimiterSignals {
        &self.signals
    }

    pub(crate) fn update_pressure(&self, pressure: Pressure) {
        let before = self.rule.least();
        let least = self.rule.update_pressure(pressure);
        if least != before {
            self.signals.emit(LimiterEvent::PressureChanged(least));
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

/// Decides about a call. `upload` is that of its request.
#[cold]
pub(crate) fn admit(
    lease: SharedLease,
    call: Call,
    draw: impl FnOnce() -> u64,
    upload: impl FnOnce() -> Option<Upload>,
) -> Decision<Shared> {
    lease.look();
    match lease.rule.admit(call, draw, now) {
        Admission::Admitted {
            permit,
            would_reject,
        } => {
            if let Some(reason) = would_reject {
                lease.signals.emit(LimiterEvent::WouldReject(reason));
            }
            let mut guard = ShedGuard::new(lease, permit);
            guard.owe(upload);
            Decision::Admitted(guard)
        }
        Admission::Rejected(refusal) => Decision::Rejected(lease.reject(refusal)),
        Admission::Waiting(place) => {
            let upload = upload();
            Decision::Queued(Queued::new(lease, Waiter { place, upload }))
        }
    }
}

impl Limiter for Shared {
    type Local = Stripe;
    type Guard = ShedGuard;
    type Context = Option<TaskContext>;
    type Waiter = Waiter;

    fn of(guard: &ShedGuard) -> &Self {
        guard.shared()
    }

    fn name(&self) -> &Name {
        &self.name
    }

    fn signals(&self) -> &LimiterSignals {
        &self.signals
    }

    fn limit(&self) -> u64 {
        self.rule.limit()
    }

    fn poll(
        lease: &SharedLease,
        waiter: &mut Waiter,
        waker: &Waker,
    ) -> Poll<Result<ShedGuard, Refusal>> {
        let polled = lease.rule.poll(&waiter.place, waker, random, now);
        polled.map_ok(|permit| {
            let mut guard = ShedGuard::new(lease.clone(), permit);
            guard.owe(|| waiter.upload.take());
            guard
        })
    }

    fn ends(waiter: &Waiter) -> Option<(Instant, Dropped)> {
        waiter.place.ends()
    }

    fn expire(&self, waiter: &Waiter, now: Instant) -> Option<Refusal> {
        self.rule.expire(&waiter.place, random, now)
    }

    fn leave(&self, waiter: Waiter) {
        self.rule.leave(waiter.place, now);
    }

    fn refuse(&self, why: Dropped) -> Refusal {
        self.rule.refuse(why, random)
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
