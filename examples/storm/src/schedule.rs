use std::ops::Range;
use std::time::Duration;

use serde::Serialize;

/// What the upstream is going through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// All workers work.
    Calm,
    /// A fifth of them does.
    Brownout,
    /// All of them again.
    After,
}

impl Phase {
    /// Every phase, in the order of the storm.
    pub(crate) const ALL: [Self; 3] = [Self::Calm, Self::Brownout, Self::After];

    /// The phase as a person reads it.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Brownout => "brown-out",
            Self::After => "after",
        }
    }
}

/// When the brown-out begins and ends. All times are counted from the start of the storm.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    brownout: Range<Duration>,
    total: Duration,
}

impl Schedule {
    /// A quarter calm, a quarter brown-out, and as long again to recover.
    pub(crate) fn new(total: Duration) -> Self {
        Self {
            brownout: total / 4..total / 2,
            total,
        }
    }

    /// How long the storm blows.
    pub(crate) fn total(&self) -> Duration {
        self.total
    }

    /// From when to when a phase lasts.
    pub(crate) fn span(&self, phase: Phase) -> Range<Duration> {
        let Range { start, end } = self.brownout;
        match phase {
            Phase::Calm => Duration::ZERO..start,
            Phase::Brownout => start..end,
            Phase::After => end..self.total,
        }
    }

    /// The phase at a time. What comes after the end is still [`Phase::After`].
    pub(crate) fn phase_at(&self, at: Duration) -> Phase {
        if at < self.brownout.start {
            Phase::Calm
        } else if at < self.brownout.end {
            Phase::Brownout
        } else {
            Phase::After
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_follow_each_other_without_a_gap() {
        let schedule = Schedule::new(Duration::from_secs(37));
        let mut end = Duration::ZERO;
        for phase in Phase::ALL {
            let span = schedule.span(phase);
            assert_eq!(span.start, end);
            assert!(span.end > span.start);
            end = span.end;
        }
        assert_eq!(end, schedule.total());
    }

    #[test]
    fn a_phase_holds_its_beginning_and_not_its_end() {
        let schedule = Schedule::new(Duration::from_secs(40));
        for phase in Phase::ALL {
            let span = schedule.span(phase);
            assert_eq!(schedule.phase_at(span.start), phase);
            assert_eq!(schedule.phase_at(span.end - Duration::from_nanos(1)), phase);
        }
    }
}
