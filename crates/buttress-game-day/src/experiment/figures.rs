use std::fmt;
use std::time::Duration;

use buttress_core::chaos::{Breach, SteadyStateConfig};
use buttress_core::window::Counts;

/// The measurements of one phase of an experiment.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Figures {
    /// The number of calls that ended in the phase.
    pub calls: u64,
    /// The number of calls that failed.
    pub failures: u64,
    /// The median latency.
    #[serde(rename = "p50_ms", serialize_with = "as_ms")]
    pub p50: Duration,
    /// The 99th percentile of the latency.
    #[serde(rename = "p99_ms", serialize_with = "as_ms")]
    pub p99: Duration,
    /// The length of the phase.
    #[serde(rename = "lasted_ms", serialize_with = "as_ms")]
    pub lasted: Duration,
}

impl Figures {
    pub(super) fn of(mut calls: Vec<(bool, Duration)>, lasted: Duration) -> Self {
        calls.sort_unstable_by_key(|(_, latency)| *latency);
        // The nearest rank: the smallest latency that this percentage of the calls does not exceed.
        let quantile = |percent: usize| {
            let rank = (calls.len() * percent).div_ceil(100);
            calls
                .get(rank.saturating_sub(1))
                .map_or(Duration::ZERO, |(_, latency)| *latency)
        };
        Self {
            calls: calls.len() as u64,
            failures: calls.iter().filter(|(failed, _)| *failed).count() as u64,
            p50: quantile(50),
            p99: quantile(99),
            lasted,
        }
    }

    /// Returns the successful calls per second.
    #[must_use]
    pub fn goodput(&self) -> f64 {
        let seconds = self.lasted.as_secs_f64();
        if seconds > 0.0 {
            (self.calls - self.failures) as f64 / seconds
        } else {
            0.0
        }
    }

    /// Returns the ratio of failed calls.
    #[must_use]
    pub fn failure_ratio(&self) -> f64 {
        if self.calls > 0 {
            self.failures as f64 / self.calls as f64
        } else {
            0.0
        }
    }
}

/// Evaluates the hypothesis for these calls.
pub(super) fn judge(hypothesis: &SteadyStateConfig, calls: &[(bool, Duration)]) -> Option<Breach> {
    let slow = |latency: &Duration| hypothesis.is_slow(*latency);
    hypothesis.breach_of(Counts {
        calls: calls.len() as u64,
        failures: calls.iter().filter(|(failed, _)| *failed).count() as u64,
        slow: calls.iter().filter(|(_, latency)| slow(latency)).count() as u64,
    })
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} calls, {:.1} successful per second, {:.2} % failed, p50 {:.1} ms, p99 {:.1} ms",
            self.calls,
            self.goodput(),
            100.0 * self.failure_ratio(),
            self.p50.as_secs_f64() * 1e3,
            self.p99.as_secs_f64() * 1e3,
        )
    }
}

fn as_ms<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_nearest_rank() {
        let calls = (1..=100)
            .map(|ms| (ms % 10 == 0, Duration::from_millis(ms)))
            .collect();
        let figures = Figures::of(calls, Duration::from_secs(2));
        assert_eq!((figures.calls, figures.failures), (100, 10));
        assert_eq!(figures.p50, Duration::from_millis(50));
        assert_eq!(figures.p99, Duration::from_millis(99));
        assert!((figures.goodput() - 45.0).abs() < 1e-9);
    }

    #[test]
    fn no_calls_are_no_figures() {
        let figures = Figures::of(Vec::new(), Duration::ZERO);
        assert_eq!(figures, Figures::default());
        assert!(figures.goodput().abs() < 1e-9 && figures.failure_ratio().abs() < 1e-9);
    }
}
