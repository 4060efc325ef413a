use crate::finding::{Check, ensure};

/// The capacity, and the number of calls that may be inside beyond it because they were admitted before it was lowered.
#[derive(Debug, Clone, Copy)]
pub(super) struct CapacityCheck {
    pub(super) limit: usize,
    ceiling: usize,
}

impl CapacityCheck {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            ceiling: limit,
        }
    }

    /// Sets a new limit, given the number of calls that are inside or were admitted.
    pub(super) fn resize(&mut self, limit: usize, admitted: usize) {
        self.limit = limit;
        self.ceiling = limit.max(admitted);
    }

    /// Checks that no call is inside beyond the limit at the time of its admission. Calls beyond a lowered limit are
    /// not replaced when they end.
    pub(super) fn holds(&mut self, inside: usize, admitted: usize) -> Check {
        let most = self.ceiling;
        self.ceiling = self.limit.max(most.min(admitted));
        ensure(
            inside <= most,
            format!("never more than {most} inside"),
            format!("{inside}"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_beyond_a_lowered_limit_stay_and_are_not_replaced() {
        let mut capacity = CapacityCheck::new(3);
        assert!(capacity.holds(3, 3).is_ok());
        capacity.resize(1, 3);
        assert!(capacity.holds(3, 3).is_ok());
        assert!(capacity.holds(2, 2).is_ok());
        assert!(capacity.holds(3, 3).is_err());
        assert!(capacity.holds(1, 1).is_ok());
        assert!(capacity.holds(2, 2).is_err());
    }
}
