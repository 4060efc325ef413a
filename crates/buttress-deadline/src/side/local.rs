use std::time::Instant;

use buttress_core::{Deadline, Reason, ServerDeadline, TaskContext};

use super::{Conclude, Side};
use crate::deadline_timer::DeadlineTimer;

/// Any call. Its deadline is the earlier of that of the task and the configured timeout.
#[derive(Debug, Clone, Copy)]
pub struct Local {
    pub(crate) rule: ServerDeadline,
}

impl<Req> Side<Req> for Local {
    #[inline]
    fn decide(
        &self,
        now: Instant,
        outer: Option<Deadline>,
        _: &Req,
    ) -> Result<Option<Deadline>, Reason> {
        self.rule.admit(now, None, outer)
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
