use std::error::Error;
use std::fmt;

use super::bounds::Bounds;
use super::planned_fault::PlannedFault;
use super::steady_state::SteadyStateConfig;
use crate::{ConfigError, Name};

/// The faults to inject, their bounds, and when to stop.
///
/// ```
/// use buttress_core::Ratio;
/// use buttress_core::chaos::{Answer, Fault, Plan, PlannedFault};
///
/// let plan = Plan::new(7).fault(PlannedFault::new("down", Fault::Answer(Answer::Status(503))).rate(Ratio::percent(5)));
/// assert!(plan.check().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub(super) experiment: Option<Name>,
    pub(super) seed: u64,
    pub(super) draw: Draw,
    pub(super) faults: Vec<PlannedFault>,
    pub(super) bounds: Bounds,
    pub(super) guard: Option<SteadyStateConfig>,
}

/// Whether a plan decides for each attempt or for each call.
///
/// A [subset](super::Target::subset) of the calls is the same for all attempts of a call in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Draw {
    /// For each attempt separately, as if one instance of many were slow, so that another attempt can succeed.
    #[default]
    PerAttempt,
    /// For each call: if one attempt is affected, all of them are, as in an outage. Attempts of a call without an
    /// [identity](crate::Identify::identity) cannot be matched, and are decided separately.
    PerCall,
}

impl Draw {
    /// The name, in files and reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PerAttempt => "attempt",
            Self::PerCall => "call",
        }
    }
}

impl Plan {
    /// The maximum number of faults in a plan.
    pub const MAX_FAULTS: usize = 64;

    /// A plan without faults. All random decisions follow from the seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            experiment: None,
            seed,
            draw: Draw::default(),
            faults: Vec::new(),
            bounds: Bounds::default(),
            guard: None,
        }
    }

    /// Adds a fault.
    #[must_use]
    pub fn fault(mut self, fault: PlannedFault) -> Self {
        self.faults.push(fault);
        self
    }

    /// The bounds of the plan.
    #[must_use]
    pub fn bounds(mut self, bounds: Bounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// The steady state that ends the plan when it no longer holds.
    #[must_use]
    pub fn guard(mut self, guard: impl Into<Option<SteadyStateConfig>>) -> Self {
        self.guard = guard.into();
        self
    }

    /// Whether the plan decides for each attempt (the default), or for each call.
    #[must_use]
    pub fn draw(mut self, draw: Draw) -> Self {
        self.draw = draw;
        self
    }

    /// Whether the plan decides for each attempt or for each call.
    #[must_use]
    pub fn draws(&self) -> Draw {
        self.draw
    }

    /// The same plan with another seed, which affects other calls.
    #[must_use]
    pub fn reseeded(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The experiment it belongs to, by whose name it can be stopped. It does not affect which calls a fault hits.
    #[must_use]
    pub fn experiment(mut self, name: impl Into<Name>) -> Self {
        self.experiment = Some(name.into());
        self
    }

    /// The name of the experiment it belongs to.
    #[must_use]
    pub fn experiment_name(&self) -> Option<&str> {
        self.experiment.as_ref().map(Name::as_str)
    }

    /// The seed.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The faults, in the order in which they were added.
    #[must_use]
    pub fn faults(&self) -> &[PlannedFault] {
        &self.faults
    }

    /// The steady state that guards it.
    #[must_use]
    pub fn guarded_by(&self) -> Option<&SteadyStateConfig> {
        self.guard.as_ref()
    }

    /// Rejects invalid values.
    ///
    /// # Errors
    ///
    /// A value out of its bounds; two faults of one name; two faults of one kind that one call could both meet, because
    /// only one of them could be injected, and neither would have its configured rate. Give them
    /// [subsets](super::Target::subset) of the calls to share these out.
    pub fn check(&self) -> Result<(), PlanError> {
        if self.faults.len() > Self::MAX_FAULTS {
            let bound = format!("at most {}", Self::MAX_FAULTS);
            let error = ConfigError::new("faults", self.faults.len(), bound);
            return Err(PlanError::whole(error));
        }
        self.bounds.check().map_err(PlanError::whole)?;
        if let Some(guard) = &self.guard {
            guard.check().map_err(PlanError::whole)?;
        }
        for (at, fault) in self.faults.iter().enumerate() {
            let refuse = |error| PlanError {
                fault: Some((at, fault.name.clone())),
                error,
            };
            fault.check().map_err(refuse)?;
            for earlier in &self.faults[..at] {
                if earlier.name == fault.name {
                    let error = ConfigError::new("name", &fault.name, "another than all before");
                    return Err(refuse(error));
                }
                if earlier.collides_with(fault) {
                    let (earlier, once) = (&earlier.name, fault.fault.family());
                    let bound =
                        format!("apart from that of {earlier:?}: a call meets only one {once}");
                    let error = ConfigError::new("target", &fault.target, bound);
                    return Err(refuse(error));
                }
            }
        }
        Ok(())
    }
}

/// Why a plan was rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanError {
    fault: Option<(usize, Name)>,
    error: ConfigError,
}

impl PlanError {
    /// For the plan as a whole.
    pub(super) fn whole(error: ConfigError) -> Self {
        Self { fault: None, error }
    }

    /// The index of the rejected fault, from 0; `None` for a bound or the steady state of the plan.
    #[must_use]
    pub fn fault(&self) -> Option<usize> {
        self.fault.as_ref().map(|(at, _)| *at)
    }

    /// The rejected value.
    #[must_use]
    pub fn config_error(&self) -> &ConfigError {
        &self.error
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((_, name)) = &self.fault {
            write!(f, "fault {name:?}: ")?;
        }
        fmt::Display::fmt(&self.error, f)
    }
}

impl Error for PlanError {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::fault::{Answer, BodyFault, Fault};
    use super::super::latency::Latency;
    use super::super::target::{Key, Subset, Target};
    use super::*;
    use crate::Ratio;

    fn status(name: &'static str, status: u16) -> PlannedFault {
        PlannedFault::new(name, Fault::Answer(Answer::Status(status)))
    }

    fn part(from: u8, to: u8) -> Target {
        Target::default().subset(Subset {
            key: Key::Call,
            from: Ratio::percent(from),
            to: Ratio::percent(to),
        })
    }

    #[test]
    fn faults_of_different_kinds_may_meet_in_one_call() {
        let plan = Plan::new(1)
            .fault(status("down", 503))
            .fault(PlannedFault::new(
                "slow",
                Fault::Delay(Latency::Fixed(Duration::ZERO)),
            ))
            .fault(PlannedFault::new(
                "cut",
                Fault::Body(BodyFault::Truncate { after: 3 }),
            ));
        assert_eq!(plan.check(), Ok(()));
    }

    #[test]
    fn faults_that_exclude_each_other_must_be_apart() {
        let plan = Plan::new(1).fault(status("a", 500)).fault(status("b", 503));
        let error = plan.check().unwrap_err();
        assert_eq!(error.fault(), Some(1));
        assert_eq!(error.config_error().field(), "target");

        let plan = Plan::new(1)
            .fault(status("a", 500).target(part(0, 10)))
            .fault(status("b", 503).target(part(10, 15)));
        assert_eq!(plan.check(), Ok(()));
    }

    #[test]
    fn what_cannot_work_is_rejected_with_the_name_of_the_fault() {
        let bounds = |bounds| Plan::new(1).bounds(bounds);
        let zero = Duration::ZERO;
        for (plan, fault, field) in [
            (Plan::new(1).fault(status("a", 200)), Some(0), "status"),
            (Plan::new(1).fault(status("a b", 500)), Some(0), "name"),
            (Plan::new(1).fault(status("", 500)), Some(0), "name"),
            (
                Plan::new(1)
                    .fault(status("a", 500))
                    .fault(PlannedFault::new("a", Fault::Body(BodyFault::LoseTrailers))),
                Some(1),
                "name",
            ),
            (
                Plan::new(1).fault(status("a", 500).target(part(10, 10))),
                Some(0),
                "subset.from",
            ),
            (bounds(Bounds::default().max_active(0)), None, "max_active"),
            (bounds(Bounds::default().ttl(zero)), None, "ttl"),
            (bounds(Bounds::default().ttl(Duration::MAX)), None, "ttl"),
            (
                bounds(Bounds::default().start_delay(Duration::from_secs(600))),
                None,
                "start_delay",
            ),
        ] {
            let error = plan.check().unwrap_err();
            assert_eq!(
                (error.fault(), error.config_error().field()),
                (fault, field)
            );
        }
    }

    #[test]
    fn an_error_has_the_fault_and_the_value() {
        let error = Plan::new(1).fault(status("down", 42)).check().unwrap_err();
        let text = "fault \"down\": status is 42, but must be from 400 to 599";
        assert_eq!(error.to_string(), text);
    }
}
