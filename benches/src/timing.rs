//! Nanoseconds: the rounds of all cases alternate, so that other load on the machine affects all of them.

use std::time::Duration;

use crate::case::Case;
use crate::drive::{Drive, Lane};
use crate::recorder;

/// The nanoseconds per call of each round.
#[derive(Debug, Clone, Default)]
pub struct Rounds(Vec<f64>);

impl Rounds {
    /// The shortest round.
    #[must_use]
    pub fn best(&self) -> Option<f64> {
        self.0.iter().copied().min_by(f64::total_cmp)
    }

    /// The median round.
    #[must_use]
    pub fn median(&self) -> Option<f64> {
        median(&self.0)
    }
}

/// Times a number of rounds of each case for each drive. The result is in the order of `cases` and `drives`.
///
/// A recorder stays installed, so the cases that need one are timed last.
#[must_use]
pub fn time(cases: &[Case], drives: &[Drive], rounds: u32, share: u64) -> Vec<Vec<Rounds>> {
    let mut times = vec![vec![Rounds::default(); drives.len()]; cases.len()];
    for recorded in [false, true] {
        if recorded && cases.iter().any(Case::wants_recorder) {
            recorder::install();
        }
        for _ in 0..rounds {
            let cases = cases.iter().zip(&mut times);
            for (case, times) in cases.filter(|(case, _)| case.wants_recorder() == recorded) {
                let calls = (case.calls_a_round() / share).max(1);
                for (drive, times) in drives.iter().zip(times) {
                    times.0.push(round(case, *drive, calls));
                }
            }
        }
    }
    times
}

fn round(case: &Case, drive: Drive, calls: u64) -> f64 {
    let mut work = case.instance()(drive);
    let lane = &mut Lane::alone();
    // The first calls load the code and include lazy initialization.
    work(lane, calls.div_ceil(20));
    let start = now();
    work(lane, calls);
    per_call(start.elapsed(), calls)
}

/// The median of `values`, or the mean of the two middle values.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = sorted[(sorted.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

/// Reads the real clock.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "a bench measures the time of the machine, not of a paused runtime"
)]
pub fn now() -> std::time::Instant {
    std::time::Instant::now()
}

/// The nanoseconds per call.
#[must_use]
pub fn per_call(time: Duration, calls: u64) -> f64 {
    time.as_nanos() as f64 / calls as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        for (values, middle) in [
            (&[][..], None),
            (&[3.0], Some(3.0)),
            (&[9.0, 1.0], Some(5.0)),
            (&[9.0, 1.0, 2.0], Some(2.0)),
        ] {
            assert_eq!(median(values), middle, "{values:?}");
        }
    }

    #[test]
    fn the_best_round_is_the_shortest() {
        assert_eq!(Rounds(vec![3.0, 1.0, 2.0]).best(), Some(1.0));
        assert_eq!(Rounds::default().best(), None);
    }

    #[test]
    fn every_case_is_timed_each_way_in_every_round() {
        let cases = ["one", "two"].map(|name| Case::rule(name, || || ()));
        let times = time(&cases, &Drive::ALL, 3, 1_000);
        assert_eq!(times.len(), 2);
        assert!(times.iter().flatten().all(|rounds| rounds.0.len() == 3));
    }
}
