use std::time::{Duration, Instant};

/// The moment by which a response is needed.
///
/// Inside a process it is a moment of the monotonic clock; on the wire it is the time that remains, so that no two
/// clocks need to agree. Of two deadlines the earlier one applies. No deadline is `None`, never a moment far away, so
/// that it needs no timer.
///
/// ```
/// use std::time::{Duration, Instant};
/// use buttress_core::Deadline;
///
/// let now = Instant::now();
/// let caller = Deadline::after(now, Duration::from_secs(2));
/// let own = Deadline::after(now, Duration::from_millis(500));
/// let deadline = Deadline::earlier(caller, own).expect("there are two");
/// assert_eq!(deadline.remaining(now), Duration::from_millis(500));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deadline(Instant);

impl Deadline {
    /// A year, the longest timeout. Anything longer is no deadline, because tokio's timers reach two years.
    pub const FURTHEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

    /// The deadline at a moment.
    #[must_use]
    pub const fn at(moment: Instant) -> Self {
        Self(moment)
    }

    /// The deadline after `timeout`, or `None` if that is [too far away](Self::FURTHEST).
    #[must_use]
    pub fn after(now: Instant, timeout: Duration) -> Option<Self> {
        if timeout > Self::FURTHEST {
            return None;
        }
        now.checked_add(timeout).map(Self)
    }

    /// The earlier of two deadlines that may both be absent.
    #[must_use]
    pub fn earlier(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// The moment of the deadline.
    #[must_use]
    pub const fn moment(self) -> Instant {
        self.0
    }

    /// The time that remains; zero once it has passed.
    #[must_use]
    pub fn remaining(self, now: Instant) -> Duration {
        self.0.saturating_duration_since(now)
    }

    /// Whether it has passed.
    #[must_use]
    pub fn has_passed(self, now: Instant) -> bool {
        self.0 <= now
    }

    /// Whether work of that duration, begun now, ends in time. Work that ends at the very deadline does not.
    #[must_use]
    pub fn allows(self, now: Instant, duration: Duration) -> bool {
        self.remaining(now) > duration
    }

    /// The deadline for a further hop, so that the response has `margin` to travel back. It is never later than this
    /// one, and has passed if no more than the margin remains.
    #[must_use]
    pub fn less(self, now: Instant, margin: Duration) -> Self {
        let remaining = self.remaining(now).saturating_sub(margin);
        Self(self.0.min(now + remaining))
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::disallowed_methods,
        reason = "a test needs some moment to begin at"
    )]
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_earlier_holds_and_absence_is_no_deadline() {
        let now = Instant::now();
        let soon = Deadline::after(now, SECOND);
        let late = Deadline::after(now, 2 * SECOND);
        assert_eq!(Deadline::earlier(soon, late), soon);
        assert_eq!(Deadline::earlier(late, soon), soon);
        assert_eq!(Deadline::earlier(None, late), late);
        assert_eq!(Deadline::earlier(late, None), late);
        assert_eq!(Deadline::earlier(None, None), None);
    }

    #[test]
    fn what_is_too_far_away_is_no_deadline() {
        let now = Instant::now();
        assert_eq!(Deadline::FURTHEST, Duration::from_secs(31_536_000));
        let further = Deadline::FURTHEST + Duration::from_nanos(1);
        assert_eq!(Deadline::after(now, Duration::MAX), None);
        assert_eq!(Deadline::after(now, further), None);
        assert!(Deadline::after(now, Deadline::FURTHEST).is_some());
    }

    #[test]
    fn a_passed_deadline_has_nothing_left() {
        let now = Instant::now();
        let deadline = Deadline::at(now);
        assert!(deadline.has_passed(now));
        assert_eq!(deadline.remaining(now + SECOND), Duration::ZERO);
        assert!(!deadline.allows(now, Duration::ZERO));
    }

    #[test]
    fn what_would_end_at_the_deadline_is_not_allowed() {
        let now = Instant::now();
        let deadline = Deadline::at(now + SECOND);
        assert!(!deadline.allows(now, SECOND));
        assert!(deadline.allows(now, SECOND - Duration::from_nanos(1)));
    }

    #[test]
    fn a_margin_brings_it_nearer_and_never_makes_it_later() {
        let now = Instant::now();
        let deadline = Deadline::at(now + SECOND);
        assert_eq!(
            deadline.less(now, SECOND / 4).remaining(now),
            SECOND * 3 / 4
        );
        for margin in [SECOND, 2 * SECOND, Duration::MAX] {
            assert!(deadline.less(now, margin).has_passed(now), "{margin:?}");
        }
        let afterwards = now + 5 * SECOND;
        assert_eq!(deadline.less(afterwards, SECOND), deadline);
    }
}
