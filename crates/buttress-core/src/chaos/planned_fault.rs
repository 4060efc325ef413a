use std::fmt;

use super::fault::Fault;
use super::target::Target;
use crate::{ConfigError, Name, Ratio};

/// One fault of a plan, with its target and its rate.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedFault {
    pub(super) name: Name,
    pub(super) fault: Fault,
    pub(super) rate: Ratio,
    pub(super) target: Target,
    pub(super) trigger: Trigger,
}

/// How a fault is triggered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trigger {
    /// By the plan, for its ratio of the targeted calls.
    #[default]
    Rate,
    /// By the [`TRIGGER_HEADER`](super::TRIGGER_HEADER) of a call, and then for its ratio of such calls. The header may
    /// request a smaller ratio, but not a larger one, or a fault that is not in the plan.
    Header,
}

impl PlannedFault {
    /// A fault for every call. Its name is an input of the decision which calls it hits.
    #[must_use]
    pub fn new(name: impl Into<Name>, fault: Fault) -> Self {
        Self {
            name: name.into(),
            fault,
            rate: Ratio::ONE,
            target: Target::default(),
            trigger: Trigger::default(),
        }
    }

    /// The ratio of the targeted calls that the fault affects.
    #[must_use]
    pub fn rate(mut self, rate: Ratio) -> Self {
        self.rate = rate;
        self
    }

    /// The targeted calls.
    #[must_use]
    pub fn target(mut self, target: Target) -> Self {
        self.target = target;
        self
    }

    /// How the fault is triggered.
    #[must_use]
    pub fn trigger(mut self, trigger: Trigger) -> Self {
        self.trigger = trigger;
        self
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The fault.
    #[must_use]
    pub fn what(&self) -> &Fault {
        &self.fault
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let name = self.name.as_str();
        if name.is_empty() || !name.bytes().all(plain) {
            let bound = "of letters, digits, '-', '_' and '.', and not empty";
            return Err(ConfigError::new("name", format_args!("{name:?}"), bound));
        }
        self.target.check()?;
        self.fault.check()
    }

    pub(super) fn collides_with(&self, other: &Self) -> bool {
        self.fault.excludes(&other.fault) && !self.target.is_apart_from(&other.target)
    }
}

/// The fault, its target and its rate, in a line.
impl fmt::Display for PlannedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            fault,
            rate,
            target,
            trigger,
        } = self;
        write!(f, "{name}: {fault} for {rate} of {target}")?;
        match trigger {
            Trigger::Header => f.write_str(" that ask for it"),
            Trigger::Rate => Ok(()),
        }
    }
}
