use crate::finding::{Check, ensure};

/// How many may be inside, and how many more are because they were admitted before it shrank.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) limit: usize,
    ceiling: usize,
}

impl Room {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            ceiling: limit,
        }
    }

    /// The limit changes, while this many are inside or were admitted.
    pub(super) fn resize(&mut self, limit: usize, admitted: usize) {
        self.limit = limit;
        self.ceiling = limit.max(admitted);
    }

    /// No caller beyond the limit at the time of its admission. As these leave, they are not replaced.
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
    fn callers_inside_before_it_shrank_may_stay_and_are_not_replaced() {
        let mut room = Room::new(3);
        assert!(room.holds(3, 3).is_ok());
        room.resize(1, 3);
        assert!(room.holds(3, 3).is_ok());
        assert!(room.holds(2, 2).is_ok());
        assert!(room.holds(3, 3).is_err());
        assert!(room.holds(1, 1).is_ok());
        assert!(room.holds(2, 2).is_err());
    }
}
