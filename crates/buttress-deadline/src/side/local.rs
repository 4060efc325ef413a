use std::time::Instant;

use buttress_core::{Deadline, Reason, TaskContext};

use super::{Conclude, Kind, Side};
use crate::current::Current;
use crate::deadline_timer::DeadlineTimer;
use crate::{DeadlineConfig, Deadlines};

/// Any call. Its deadline is the earlier of that of the task and the configured timeout.
#[derive(Debug, Clone)]
pub struct Local {
    current: Current<DeadlineConfig>,
}

impl Local {
    pub(crate) fn new(deadlines: &Deadlines) -> Self {
        Self {
            current: Current::new(deadlines.clone()),
        }
    }
}

impl Kind for Local {
    type Config = DeadlineConfig;

    #[inline]
    fn current(&self) -> &Current<DeadlineConfig> {
        &self.current
    }

    #[inline]
    fn current_mut(&mut self) -> &mut Current<DeadlineConfig> {
        &mut self.current
    }
}

impl<Req> Side<Req> for Local {
    #[inline]
    fn decide(
        &self,
        now: Instant,
        outer: Option<Deadline>,
        _: &Req,
    ) -> Result<Option<Deadline>, Reason> {
        self.current.config.rule.admit(now, None, outer)
    }

    #[inline]
    fn tell(&self, _: Instant, _: Deadline, _: &mut Req) {}

    fn identity(&self, _: &Req) -> Option<u64> {
        None
    }
}

impl<Res> Conclude<Res> for Local {
    type Response = Res;

    #[inline]
    fn conclude(response: Res, _: &mut Option<TaskContext>, _: &mut Option<DeadlineTimer>) -> Res {
        response
    }
}
