use std::time::Duration;

use crate::ledger::Entry;
use crate::schedule::{Phase, Schedule};

/// A gateway has recovered when the share of requests it answers, over a window of a second, is at
/// least this much of the share it answered in the calm …
pub(crate) const THRESHOLD: f64 = 0.95;

/// … and stays so for this long.
pub(crate) const HOLD: Duration = Duration::from_secs(3);

/// How long after the end of the brown-out a gateway was well again, if it ever was.
///
/// Requests are counted by when they were due, and shares are compared rather than rates: an open-loop
/// load varies by itself, and a second in which fewer requests came is no relapse.
pub(crate) fn recovery(entries: &[Entry], schedule: &Schedule) -> Option<Duration> {
    let calm = schedule.span(Phase::Calm);
    let after = schedule.span(Phase::After);
    let in_the_calm = entries.iter().filter(|entry| calm.contains(&entry.due));
    let enough = THRESHOLD * Share::of(in_the_calm).value()?;

    let mut slots =
        vec![Share::default(); (after.end - after.start).div_duration_f64(SLOT) as usize];
    for entry in entries.iter().filter(|entry| entry.due >= after.start) {
        let slot = (entry.due - after.start).div_duration_f64(SLOT) as usize;
        if let Some(share) = slots.get_mut(slot) {
            share.count(entry);
        }
    }
    let well: Vec<bool> = slots
        .windows(PER_WINDOW)
        .map(|window| {
            window
                .iter()
                .copied()
                .sum::<Share>()
                .value()
                .is_none_or(|share| share >= enough)
        })
        .collect();
    // This many windows, a slot apart, reach from the first one's start over the whole time to hold.
    let windows = PER_HOLD - PER_WINDOW + 1;
    let first = well
        .windows(windows)
        .position(|held| held.iter().all(|well| *well))?;
    Some(SLOT * u32::try_from(first).ok()?)
}

/// The grain of the answer.
const SLOT: Duration = Duration::from_millis(100);
const PER_WINDOW: usize = 10;
const PER_HOLD: usize = (HOLD.as_millis() / SLOT.as_millis()) as usize;

/// How many of some requests were answered.
#[derive(Debug, Clone, Copy, Default)]
struct Share {
    good: u32,
    all: u32,
}

impl Share {
    fn of<'a>(entries: impl Iterator<Item = &'a Entry>) -> Self {
        entries.fold(Self::default(), |mut share, entry| {
            share.count(entry);
            share
        })
    }

    fn count(&mut self, entry: &Entry) {
        self.good += u32::from(entry.is_good());
        self.all += 1;
    }

    /// Nothing, where there was nothing to answer.
    fn value(self) -> Option<f64> {
        (self.all > 0).then(|| f64::from(self.good) / f64::from(self.all))
    }
}

impl std::iter::Sum for Share {
    fn sum<I: Iterator<Item = Self>>(shares: I) -> Self {
        shares.fold(Self::default(), |sum, share| Self {
            good: sum.good + share.good,
            all: sum.all + share.all,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Ending;

    /// Forty seconds of a hundred requests each, answered where `good` says so.
    fn storm(good: impl Fn(f64) -> bool) -> Option<Duration> {
        let entries: Vec<_> = (0..4_000)
            .map(|i| {
                let due = Duration::from_millis(10 * i);
                let ending = if good(due.as_secs_f64()) {
                    Ending::Answered
                } else {
                    Ending::UpstreamTimeout
                };
                Entry {
                    due,
                    sent: due,
                    ended: Some((due, ending)),
                }
            })
            .collect();
        recovery(&entries, &Schedule::new(Duration::from_secs(40)))
    }

    #[test]
    fn a_gateway_that_never_fails_after_the_brown_out_recovers_at_once() {
        assert_eq!(
            storm(|at| !(10.0..20.0).contains(&at)),
            Some(Duration::ZERO)
        );
    }

    #[test]
    fn recovery_begins_with_the_first_good_window() {
        let recovered = storm(|at| !(10.0..22.5).contains(&at)).unwrap();
        // The window may hold 5 % of failures, so it may begin half a slot before they end.
        assert!(
            (2.4..=2.5).contains(&recovered.as_secs_f64()),
            "{recovered:?}"
        );
    }

    #[test]
    fn a_relapse_within_the_time_to_hold_is_no_recovery() {
        let relapses = |at: f64| at < 10.0 || (at >= 21.0 && !(23.0..23.5).contains(&at));
        let recovered = storm(relapses).unwrap();
        assert!(
            (3.4..=3.5).contains(&recovered.as_secs_f64()),
            "{recovered:?}"
        );
    }

    #[test]
    fn a_gateway_that_stays_down_never_recovers() {
        assert_eq!(storm(|at| at < 10.0), None);
        // Up for less than the time to hold before the storm ends.
        assert_eq!(storm(|at| !(10.0..37.5).contains(&at)), None);
    }

    #[test]
    fn recovery_is_measured_against_the_calm() {
        // Half the requests fail for a reason of their own, before and after alike.
        let half = |at: f64| ((at * 100.0).round() as u64).is_multiple_of(2);
        assert_eq!(
            storm(|at| !(10.0..20.0).contains(&at) && half(at)),
            Some(Duration::ZERO)
        );
    }

    #[test]
    fn a_storm_without_requests_has_no_recovery() {
        assert_eq!(recovery(&[], &Schedule::new(Duration::from_secs(40))), None);
    }
}
