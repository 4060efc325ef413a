use std::sync::Arc;
use std::time::{Duration, Instant};

use super::decide::Decision;
use super::plan::{Plan, PlanError};
use super::steady_state::{Breach, SteadyState};
use super::target::Subject;
use crate::Ratio;
use crate::sync::{AtomicU64, Ordering};

/// An armed plan, which enforces its bounds.
#[derive(Debug)]
pub struct ArmedPlan {
    plan: Plan,
    armed: Instant,
    /// Calls that were decided on.
    calls: AtomicU64,
    /// Calls that were affected.
    affected: AtomicU64,
    /// Calls that are affected now.
    active: AtomicU64,
    /// The stopped faults, as one bit for each of at most [`Plan::MAX_FAULTS`].
    stopped: AtomicU64,
    guard: Option<Arc<SteadyState>>,
}

/// An affected call, which must be released with [`ArmedPlan::release`].
#[derive(Debug)]
#[must_use = "it is to be released"]
pub struct Active(());

/// The decision about a call.
#[derive(Debug)]
pub enum Verdict<'p> {
    /// The plan has ended, and must be disarmed.
    Ended(End),
    /// These faults are injected. The [`Active`] must be [released](ArmedPlan::release) when the call ends.
    Inject(Decision<'p>, Active),
    /// No fault is injected. If a bound prevented one, this is the bound.
    Pass(Option<Suppressed>),
}

/// The bound that prevented a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suppressed {
    /// More calls would be affected than the blast radius allows.
    BlastRadius,
    /// The maximum number of calls is already affected.
    MaxActive,
}

impl Suppressed {
    /// The reason as a metric label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BlastRadius => "blast_radius",
            Self::MaxActive => "max_active",
        }
    }
}

/// The reason why a plan ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum End {
    /// The steady state was breached.
    Breached(Breach),
    /// The time to live of the plan is over.
    Expired,
}

impl ArmedPlan {
    /// Arms a plan. If `watched` has the same configuration as the plan's steady state, its measurements are kept.
    ///
    /// # Errors
    ///
    /// Returns the error of [`Plan::check`].
    pub fn new(
        plan: Plan,
        watched: Option<&Arc<SteadyState>>,
        now: Instant,
    ) -> Result<Self, PlanError> {
        plan.check()?;
        let guard = match &plan.guard {
            Some(config) => Some(match watched {
                Some(watched) if watched.config() == config => Arc::clone(watched),
                _ => Arc::new(SteadyState::new(config.clone(), now).map_err(PlanError::whole)?),
            }),
            None => None,
        };
        Ok(Self {
            plan,
            armed: now,
            calls: AtomicU64::new(0),
            affected: AtomicU64::new(0),
            active: AtomicU64::new(0),
            stopped: AtomicU64::new(0),
            guard,
        })
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The steady state that guards the plan.
    #[must_use]
    pub fn guard(&self) -> Option<&Arc<SteadyState>> {
        self.guard.as_ref()
    }

    /// When the time to live of the plan is over.
    #[must_use]
    pub fn expires(&self) -> Instant {
        self.armed + self.plan.bounds.ttl
    }

    /// Decides which faults are injected into a call. A call counts once towards the blast radius, whatever its faults.
    pub fn decide(&self, subject: &impl Subject, identity: u64, now: Instant) -> Verdict<'_> {
        if let Some(end) = self.end(now) {
            return Verdict::Ended(end);
        }
        let calls = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let since = now.saturating_duration_since(self.armed);
        if since < self.plan.bounds.start_delay {
            return Verdict::Pass(None);
        }
        let decision = self
            .plan
            .decide_among(subject, identity, |fault| !self.is_stopped(fault));
        if decision.is_nothing() {
            return Verdict::Pass(None);
        }
        let most = u64::from(self.plan.bounds.max_active);
        if !count_up(&self.active, most) {
            return Verdict::Pass(Some(Suppressed::MaxActive));
        }
        if !count_up(
            &self.affected,
            share_of(calls, self.plan.bounds.blast_radius),
        ) {
            self.release(Active(()));
            return Verdict::Pass(Some(Suppressed::BlastRadius));
        }
        Verdict::Inject(decision, Active(()))
    }

    /// Records that an affected call has ended.
    pub fn release(&self, _place: Active) {
        self.active.fetch_sub(1, Ordering::AcqRel);
    }

    /// Records in the steady state how a call ended, whether it was affected or not.
    pub fn observe(&self, failed: bool, latency: Duration, now: Instant) {
        if let Some(guard) = &self.guard {
            guard.record(failed, latency, now);
        }
    }

    /// Returns why the plan has to end at `now`, if it has to. A plan without faults only observes, and does not end
    /// with a breach.
    #[must_use]
    pub fn end(&self, now: Instant) -> Option<End> {
        if now.saturating_duration_since(self.armed) >= self.plan.bounds.ttl {
            return Some(End::Expired);
        }
        if self.plan.faults.is_empty() {
            return None;
        }
        self.breach(now).map(End::Breached)
    }

    /// Returns the breach of the steady state, if there is a guard and it was breached.
    #[must_use]
    pub fn breach(&self, now: Instant) -> Option<Breach> {
        self.guard.as_ref()?.breach(now)
    }

    /// Stops one fault permanently. Returns whether the plan has a fault of that name.
    pub fn stop(&self, name: &str) -> bool {
        let found = self
            .plan
            .faults
            .iter()
            .position(|fault| fault.name.as_str() == name);
        if let Some(fault) = found {
            self.stopped.fetch_or(1 << fault, Ordering::AcqRel);
        }
        found.is_some()
    }

    /// The number of calls affected now.
    #[must_use]
    pub fn active(&self) -> u64 {
        self.active.load(Ordering::Acquire)
    }

    /// The number of calls decided on, and the number of them that were affected.
    #[must_use]
    pub fn totals(&self) -> (u64, u64) {
        let affected = self.affected.load(Ordering::Acquire);
        (self.calls.load(Ordering::Acquire), affected)
    }

    fn is_stopped(&self, fault: usize) -> bool {
        self.stopped.load(Ordering::Acquire) & (1 << fault) != 0
    }
}

/// Adds one, unless that would be more than `most`.
fn count_up(counter: &AtomicU64, most: u64) -> bool {
    counter
        .fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| {
            (n < most).then_some(n + 1)
        })
        .is_ok()
}

/// A share of the calls, rounded down. A share of 100 % is no bound, because other threads may already have affected
/// calls that were counted after this one.
fn share_of(calls: u64, share: Ratio) -> u64 {
    if share == Ratio::ONE {
        return u64::MAX;
    }
    (calls as f64 * share.get()) as u64
}

#[cfg(all(test, not(buttress_loom)))]
mod tests {
    #![allow(
        clippy::disallowed_methods,
        reason = "a test needs some moment to begin at"
    )]
    use super::super::bounds::Bounds;
    use super::super::fault::{Answer, Fault};
    use super::super::planned_fault::PlannedFault;
    use super::super::steady_state::{Measure, SteadyStateConfig};
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn plan(bounds: Bounds) -> Plan {
        Plan::new(1)
            .fault(PlannedFault::new("down", Fault::Answer(Answer::Error)))
            .bounds(bounds)
    }

    fn inject(arming: &ArmedPlan, now: Instant) -> Option<Active> {
        match arming.decide(&(), 0, now) {
            Verdict::Inject(_, active) => Some(active),
            _ => None,
        }
    }

    #[test]
    fn the_maximum_of_affected_calls_is_never_exceeded() {
        let now = Instant::now();
        let arming = ArmedPlan::new(plan(Bounds::default().max_active(2)), None, now).unwrap();
        let first = inject(&arming, now).unwrap();
        let _second = inject(&arming, now).unwrap();
        let third = arming.decide(&(), 0, now);
        assert!(matches!(third, Verdict::Pass(Some(Suppressed::MaxActive))));
        arming.release(first);
        assert!(inject(&arming, now).is_some());
    }

    #[test]
    fn the_blast_radius_holds_at_every_moment() {
        let now = Instant::now();
        let bounds = Bounds::default().blast_radius(Ratio::percent(10));
        let arming = ArmedPlan::new(plan(bounds), None, now).unwrap();
        for calls in 1..=1_000_u64 {
            if let Some(active) = inject(&arming, now) {
                arming.release(active);
            }
            assert_eq!(arming.totals(), (calls, calls / 10));
            assert_eq!(arming.active(), 0);
        }
    }

    #[test]
    fn faults_begin_and_end_on_time() {
        let now = Instant::now();
        let bounds = Bounds::default().start_delay(SECOND).ttl(3 * SECOND);
        let arming = ArmedPlan::new(plan(bounds), None, now).unwrap();
        assert!(inject(&arming, now).is_none());
        assert!(inject(&arming, now + SECOND).is_some());
        assert_eq!(arming.end(now + 2 * SECOND), None);
        assert_eq!(arming.end(now + 3 * SECOND), Some(End::Expired));
        let late = arming.decide(&(), 0, now + 3 * SECOND);
        assert!(matches!(late, Verdict::Ended(End::Expired)));
    }

    #[test]
    fn a_breach_of_the_steady_state_ends_it() {
        let now = Instant::now();
        let guard = SteadyStateConfig::default().failure_ratio(Ratio::HALF);
        let arming = ArmedPlan::new(plan(Bounds::default()).guard(guard), None, now).unwrap();
        (0..20).for_each(|_| arming.observe(true, SECOND, now));
        match arming.decide(&(), 0, now) {
            Verdict::Ended(End::Breached(breach)) => {
                assert_eq!(breach.measure, Measure::FailureRatio);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn observe_only_mode_goes_on_after_a_breach() {
        let now = Instant::now();
        let guard = SteadyStateConfig::default().failure_ratio(Ratio::HALF);
        let watch = ArmedPlan::new(Plan::new(1).guard(guard), None, now).unwrap();
        (0..20).for_each(|_| watch.observe(true, SECOND, now));
        assert_eq!(watch.end(now), None);
        assert!(watch.breach(now).is_some());
        assert!(matches!(watch.decide(&(), 0, now), Verdict::Pass(None)));
    }

    #[test]
    fn one_fault_can_be_stopped_by_its_name() {
        let now = Instant::now();
        let arming = ArmedPlan::new(plan(Bounds::default()), None, now).unwrap();
        assert!(!arming.stop("slow"));
        assert!(inject(&arming, now).is_some());
        assert!(arming.stop("down"));
        assert!(inject(&arming, now).is_none());
    }

    #[test]
    fn time_that_goes_back_ends_nothing() {
        let now = Instant::now() + SECOND;
        let arming = ArmedPlan::new(plan(Bounds::default()), None, now).unwrap();
        assert!(inject(&arming, now - SECOND).is_some());
    }
}
