use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use buttress_core::chaos::{ArmedPlan, Bounds, Breach, Plan, PlanError, SteadyStateConfig};
use buttress_core::{ConfigError, Name};
use buttress_metrics::Disarming;
use buttress_shell::now;

use crate::shared::Shared;
use crate::switch::{self, KillSwitch};
use crate::{InjectorConfig, InjectorSnapshot};

/// Injects faults: the state that its layers share, and the operations to arm and disarm it.
///
/// It is created disarmed, and only [`arm`](Self::arm) and [`arm_scoped`](Self::arm_scoped) arm it: no configuration
/// file and no environment variable does. Clones are cheap and share their state. See the [crate docs](crate).
#[derive(Clone)]
pub struct Injector {
    shared: Arc<Shared>,
}

impl Injector {
    /// Creates a disarmed injector. `name` is its label in metrics, events and rejections.
    #[must_use]
    pub fn new(name: impl Into<Name>, config: InjectorConfig) -> Self {
        buttress_http::know_errors();
        Self {
            shared: Arc::new(Shared::new(name.into(), config)),
        }
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.shared.name.as_str()
    }

    /// Starts to inject the faults of the plan, until [`disarm`](Self::disarm), a kill switch, or the plan's bounds
    /// or guard end it.
    ///
    /// # Errors
    ///
    /// An invalid plan; an injector that is already armed; an active kill switch; a [watched](Self::watch) steady
    /// state that does not hold.
    pub fn arm(&self, plan: Plan) -> Result<(), ArmError> {
        if switch::read(&self.shared.config, &plan) == KillSwitch::All {
            return Err(ArmError::KillSwitch);
        }
        self.shared.arm(|standing| {
            let now = now();
            if standing.is_some_and(|arming| arming.end(now).is_none() && has_faults(arming)) {
                return Err(ArmError::AlreadyArmed);
            }
            let watched = standing.and_then(|arming| arming.guard());
            let arming = ArmedPlan::new(plan, watched, now).map_err(ArmError::Plan)?;
            match arming.breach(now) {
                Some(breach) => Err(ArmError::Breached(breach)),
                None => Ok(arming),
            }
        })
    }

    /// Like [`arm`](Self::arm), until the returned guard is dropped, also by a panic or a cancelled task.
    ///
    /// # Errors
    ///
    /// Those of [`arm`](Self::arm).
    pub fn arm_scoped(&self, plan: Plan) -> Result<Armed, ArmError> {
        self.arm(plan)?;
        Ok(Armed {
            arming: self.shared.arming(),
            shared: Arc::clone(&self.shared),
        })
    }

    /// Watches a steady state without injecting faults, so that [`arm`](Self::arm) can reject a plan with this guard
    /// if it is broken before the plan starts.
    ///
    /// # Errors
    ///
    /// A steady state that cannot be watched; an injector that is already armed.
    pub fn watch(&self, steady_state: SteadyStateConfig) -> Result<(), ArmError> {
        self.arm(watching(steady_state))
    }

    /// Like [`watch`](Self::watch), until the returned guard is dropped, or a plan with this guard has taken over the
    /// measurements.
    ///
    /// # Errors
    ///
    /// Those of [`watch`](Self::watch).
    pub fn watch_scoped(&self, steady_state: SteadyStateConfig) -> Result<Armed, ArmError> {
        self.arm_scoped(watching(steady_state))
    }

    /// Ends all faults: no further call is affected, and calls that hang or wait because of a fault continue.
    pub fn disarm(&self) {
        self.shared.disarm(Disarming::Hand, None);
    }

    /// Ends one fault of the plan. Returns whether there is a fault with that name.
    #[must_use = "there may be no fault with that name"]
    pub fn stop(&self, fault: &str) -> bool {
        self.shared
            .arming()
            .is_some_and(|arming| self.shared.stop(&arming, fault))
    }

    /// Returns whether a plan with faults is armed.
    #[must_use]
    pub fn is_armed(&self) -> bool {
        let arming = self.shared.arming();
        arming
            .is_some_and(|arming| self.shared.look(&arming, now()).is_none() && has_faults(&arming))
    }

    /// Reports a call to the guard that no layer of this injector observed.
    pub fn observe(&self, failed: bool, latency: Duration) {
        if let Some(arming) = self.shared.arming() {
            arming.observe(failed, latency, now());
        }
    }

    /// Returns a snapshot of the injector.
    #[must_use]
    pub fn snapshot(&self) -> InjectorSnapshot {
        let arming = self.shared.arming();
        let (calls, affected) = arming.as_ref().map_or((0, 0), |arming| arming.totals());
        InjectorSnapshot {
            name: self.shared.name.clone(),
            armed: self.is_armed(),
            calls,
            affected,
            active: arming.map_or(0, |arming| arming.active()),
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl fmt::Debug for Injector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Injector")
            .field("name", &self.name())
            .field("armed", &self.shared.is_armed())
            .finish_non_exhaustive()
    }
}

/// Keeps a plan armed, and disarms the injector when it is dropped. See [`Injector::arm_scoped`].
#[derive(Debug)]
#[must_use = "dropping it disarms"]
pub struct Armed {
    shared: Arc<Shared>,
    /// So that it does not disarm a later plan.
    arming: Option<Arc<ArmedPlan>>,
}

impl Armed {
    /// Waits until the plan has ended for any reason. No calls are needed for that.
    pub async fn ended(&self) {
        let Some(mine) = &self.arming else {
            return;
        };
        loop {
            // Subscribes before the check, so that no disarming is missed.
            let released = self.shared.released.notified();
            let mut released = std::pin::pin!(released);
            released.as_mut().enable();
            let stands = self
                .shared
                .arming()
                .is_some_and(|arming| Arc::ptr_eq(&arming, mine));
            if !stands || self.shared.look(mine, now()).is_some() {
                return;
            }
            let _ = tokio::time::timeout_at(mine.expires().into(), released).await;
        }
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        if let Some(arming) = &self.arming {
            self.shared.disarm(Disarming::Hand, Some(arming));
        }
    }
}

/// Why an injector was not armed.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub enum ArmError {
    /// It is armed with another plan.
    AlreadyArmed,
    /// The steady state does not hold before the plan starts.
    Breached(Breach),
    /// The hypothesis of an experiment cannot be watched.
    Hypothesis(ConfigError),
    /// A kill switch is active.
    KillSwitch,
    /// The plan is invalid.
    Plan(PlanError),
}

impl fmt::Display for ArmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyArmed => f.write_str("another plan is armed; disarm it first"),
            Self::Breached(breach) => write!(f, "the steady state does not hold: {breach}"),
            Self::Hypothesis(error) => write!(f, "the hypothesis cannot be watched: {error}"),
            Self::KillSwitch => f.write_str("a kill switch is active"),
            Self::Plan(error) => write!(f, "the plan is invalid: {error}"),
        }
    }
}

impl Error for ArmError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Hypothesis(error) => Some(error),
            Self::Plan(error) => Some(error),
            Self::AlreadyArmed | Self::Breached(_) | Self::KillSwitch => None,
        }
    }
}

/// A plan without faults, so it does not need to end soon.
fn watching(steady_state: SteadyStateConfig) -> Plan {
    let bounds = Bounds::default().ttl(Bounds::MAX_TTL);
    Plan::new(0).bounds(bounds).guard(steady_state)
}

fn has_faults(arming: &ArmedPlan) -> bool {
    !arming.plan().faults().is_empty()
}
