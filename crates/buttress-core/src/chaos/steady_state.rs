use std::fmt;
use std::time::{Duration, Instant};

use crate::sync::{AtomicU64, Mutex, Ordering, lock};
use crate::time::{Origin, nanos};
use crate::window::{Counts, History, Mark, Successes, Window};
use crate::{ConfigError, Ratio};

/// The figures that must hold while a plan is armed.
///
/// | field | default | meaning |
/// |---|---|---|
/// | [`window`](Self::window) | 10 s | the calls that are measured |
/// | [`minimum_calls`](Self::minimum_calls) | 20 | with fewer calls nothing is a breach |
/// | [`failure_ratio`](Self::failure_ratio) | none | at most this share fails |
/// | [`latency`](Self::latency) | none | the maximum of this quantile |
/// | [`burn_rate`](Self::burn_rate) | none | the maximum burn rate of the error budget |
#[derive(Debug, Clone, PartialEq)]
pub struct SteadyStateConfig {
    window: Window,
    minimum_calls: u32,
    failure_ratio: Option<Ratio>,
    latency: Option<(Ratio, Duration)>,
    burn_rate: Option<(Ratio, f64)>,
}

impl Default for SteadyStateConfig {
    fn default() -> Self {
        Self {
            window: Window::Time(Duration::from_secs(10)),
            minimum_calls: 20,
            failure_ratio: None,
            latency: None,
            burn_rate: None,
        }
    }
}

impl SteadyStateConfig {
    /// The calls that are measured.
    #[must_use]
    pub fn window(mut self, window: Window) -> Self {
        self.window = window;
        self
    }

    /// The number of calls that the window must hold for a breach, 20 by default.
    #[must_use]
    pub fn minimum_calls(mut self, calls: u32) -> Self {
        self.minimum_calls = calls;
        self
    }

    /// The maximum ratio of failed calls.
    #[must_use]
    pub fn failure_ratio(mut self, most: impl Into<Option<Ratio>>) -> Self {
        self.failure_ratio = most.into();
        self
    }

    /// The maximum of this quantile of latency: `latency(Ratio::percent(99), 300 ms)`.
    #[must_use]
    pub fn latency(mut self, quantile: Ratio, most: Duration) -> Self {
        self.latency = Some((quantile, most));
        self
    }

    /// The maximum burn rate: the ratio of failed calls is at most `most` times the ratio that the `objective` allows.
    /// See the Google SRE Workbook, chapter 5: at a burn rate of 1 the error budget lasts exactly as long as its
    /// period.
    #[must_use]
    pub fn burn_rate(mut self, objective: Ratio, most: f64) -> Self {
        self.burn_rate = Some((objective, most));
        self
    }

    /// Whether a call of this latency counts as slow.
    #[must_use]
    pub fn is_slow(&self, latency: Duration) -> bool {
        self.latency.is_some_and(|(_, most)| latency > most)
    }

    /// Whether `calls` are enough for a decision.
    #[must_use]
    pub fn is_enough(&self, calls: u64) -> bool {
        calls >= u64::from(self.minimum_calls.max(1))
    }

    /// The breach in these calls, if there is one.
    #[must_use]
    pub fn breach_of(&self, counts: Counts) -> Option<Breach> {
        if !self.is_enough(counts.calls) {
            return None;
        }
        let failures = counts.failure_ratio();
        let measured = [
            self.failure_ratio
                .map(|most| (Measure::FailureRatio, failures, most.get())),
            self.latency.map(|(quantile, _)| {
                (
                    Measure::SlowRatio,
                    counts.slow_ratio(),
                    1.0 - quantile.get(),
                )
            }),
            self.burn_rate.map(|(objective, most)| {
                (Measure::BurnRate, failures / (1.0 - objective.get()), most)
            }),
        ];
        measured
            .into_iter()
            .flatten()
            .find(|(_, value, bound)| value > bound)
            .map(|(measure, value, bound)| Breach {
                measure,
                value,
                bound,
            })
    }

    /// Rejects invalid values.
    ///
    /// # Errors
    ///
    /// A window out of its [bounds](Window::check); no measure at all; a latency of zero, or of the quantile 100 %;
    /// an objective of 100 %, which leaves no budget; a burn rate that is not above 0.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.window.check("guard.window")?;
        if self.failure_ratio.is_none() && self.latency.is_none() && self.burn_rate.is_none() {
            let bound = "of at least one of failure_ratio, latency and burn_rate";
            return Err(ConfigError::new("guard", "empty", bound));
        }
        if let Some((quantile, most)) = self.latency {
            if quantile >= Ratio::ONE {
                return Err(ConfigError::new(
                    "guard.latency.quantile",
                    quantile,
                    "below 100%",
                ));
            }
            if most.is_zero() {
                return Err(ConfigError::new("guard.latency.most", "0ns", "above 0"));
            }
        }
        if let Some((objective, most)) = self.burn_rate {
            if objective >= Ratio::ONE {
                return Err(ConfigError::new(
                    "guard.burn_rate.objective",
                    objective,
                    "below 100%",
                ));
            }
            if !(most.is_finite() && most > 0.0) {
                return Err(ConfigError::new("guard.burn_rate.most", most, "above 0"));
            }
        }
        Ok(())
    }
}

/// The configured bounds, as text.
impl fmt::Display for SteadyStateConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let promises = [
            self.failure_ratio
                .map(|most| format!("at most {most} of calls fail")),
            self.latency
                .map(|(quantile, most)| format!("{quantile} of calls take at most {most:?}")),
            self.burn_rate.map(|(objective, most)| {
                format!("the error budget of {objective} burns at most {most} times too fast")
            }),
        ];
        let promises: Vec<_> = promises.into_iter().flatten().collect();
        f.write_str(&promises.join("; "))
    }
}

/// A steady state, with its measurements.
///
/// While the steady state holds, neither recording nor checking takes the lock.
#[derive(Debug)]
pub struct SteadyState {
    config: SteadyStateConfig,
    origin: Origin,
    successes: Successes,
    /// Before which nanosecond the last call ended that failed or was slow; 0 if there was none.
    bad_before: AtomicU64,
    /// Protects the window; held for the length of one record or one sum.
    history: Mutex<History>,
}

/// A measure that is out of its bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Breach {
    /// The measure.
    pub measure: Measure,
    /// The measured value: a ratio of calls, or a burn rate.
    pub value: f64,
    /// The bound.
    pub bound: f64,
}

/// The measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// The burn rate of the error budget.
    BurnRate,
    /// The share of calls that fail.
    FailureRatio,
    /// The share of calls that take longer than the latency allowed; more than the quantile leaves over.
    SlowRatio,
}

impl SteadyState {
    /// A steady state without measurements.
    ///
    /// # Errors
    ///
    /// What [`SteadyStateConfig::check`] rejects.
    pub fn new(config: SteadyStateConfig, now: Instant) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self {
            origin: Origin::new(now),
            successes: Successes::new(config.window),
            bad_before: AtomicU64::new(0),
            history: Mutex::new(History::new(config.window)),
            config,
        })
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &SteadyStateConfig {
        &self.config
    }

    /// Records a call that ended `now`.
    pub fn record(&self, failed: bool, latency: Duration, now: Instant) {
        let slow = self.config.is_slow(latency);
        let at = self.origin.nanos_at(now);
        if failed || slow {
            lock(&self.history).record(&self.successes, at, Mark { failed, slow });
            let before = at.saturating_add(1);
            self.bad_before.fetch_max(before, Ordering::AcqRel);
        } else {
            self.successes.add(self.successes.generation(), at);
        }
    }

    /// The breach, if there is one.
    #[must_use]
    pub fn breach(&self, now: Instant) -> Option<Breach> {
        let at = self.origin.nanos_at(now);
        if self.is_spotless(at) {
            return None;
        }
        let counts = lock(&self.history).counts(&self.successes, at);
        self.config.breach_of(counts)
    }

    /// Whether no call in the window failed or was slow, so that nothing can be out of its bound.
    fn is_spotless(&self, at: u64) -> bool {
        let before = self.bad_before.load(Ordering::Acquire);
        match self.config.window {
            _ if before == 0 => true,
            Window::Time(window) => at.saturating_sub(before) >= nanos(window),
            Window::Count(_) => false,
        }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value, bound, .. } = self;
        match self.measure {
            Measure::BurnRate => write!(f, "burn rate is {value:.1}, but must be at most {bound}"),
            Measure::FailureRatio => write!(
                f,
                "failure ratio is {:.2}%, but must be at most {:.2}%",
                100.0 * value,
                100.0 * bound
            ),
            Measure::SlowRatio => write!(
                f,
                "{:.2}% of calls are too slow, but at most {:.2}% may be",
                100.0 * value,
                100.0 * bound
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::disallowed_methods,
        reason = "a test needs some moment to begin at"
    )]
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn watch(config: SteadyStateConfig, calls: &[(u32, bool, Duration)]) -> Option<Breach> {
        let now = Instant::now();
        let state = SteadyState::new(config, now).unwrap();
        for (times, failed, latency) in calls {
            (0..*times).for_each(|_| state.record(*failed, *latency, now));
        }
        state.breach(now)
    }

    #[test]
    fn each_measure_is_held_to_its_bound_and_not_below() {
        let ratio = SteadyStateConfig::default().failure_ratio(Ratio::percent(10));
        assert_eq!(
            watch(ratio.clone(), &[(90, false, MS), (10, true, MS)]),
            None
        );
        let breach = watch(ratio, &[(89, false, MS), (11, true, MS)]).unwrap();
        assert_eq!(breach.measure, Measure::FailureRatio);

        let latency = SteadyStateConfig::default().latency(Ratio::percent(90), 10 * MS);
        assert_eq!(
            watch(
                latency.clone(),
                &[(91, false, 10 * MS), (9, false, 11 * MS)]
            ),
            None
        );
        let breach = watch(latency, &[(80, false, MS), (20, false, 11 * MS)]).unwrap();
        assert_eq!(breach.measure, Measure::SlowRatio);

        let burn = SteadyStateConfig::default().burn_rate(Ratio::percent(99), 5.0);
        assert_eq!(watch(burn.clone(), &[(96, false, MS), (4, true, MS)]), None);
        let breach = watch(burn, &[(93, false, MS), (7, true, MS)]).unwrap();
        assert_eq!(breach.measure, Measure::BurnRate);
    }

    #[test]
    fn it_reads_as_a_promise() {
        let config = SteadyStateConfig::default()
            .failure_ratio(Ratio::percent(5))
            .latency(Ratio::percent(99), 250 * MS)
            .burn_rate(Ratio::percent(99), 10.0);
        assert_eq!(
            config.to_string(),
            "at most 5% of calls fail; 99% of calls take at most 250ms; \
             the error budget of 99% burns at most 10 times too fast"
        );
    }

    #[test]
    fn too_few_calls_say_nothing() {
        let config = SteadyStateConfig::default().failure_ratio(Ratio::ZERO);
        assert_eq!(watch(config.clone(), &[(19, true, MS)]), None);
        assert!(watch(config, &[(20, true, MS)]).is_some());
    }

    #[test]
    fn what_is_past_the_window_is_forgotten() {
        let now = Instant::now();
        let config = SteadyStateConfig::default().failure_ratio(Ratio::ZERO);
        let state = SteadyState::new(config, now).unwrap();
        (0..50).for_each(|_| state.record(true, MS, now));
        assert!(state.breach(now + Duration::from_secs(9)).is_some());
        assert_eq!(state.breach(now + Duration::from_secs(11)), None);
    }

    #[test]
    fn what_cannot_be_watched_is_rejected_by_name() {
        let some = SteadyStateConfig::default;
        for (config, field) in [
            (some(), "guard"),
            (some().latency(Ratio::ONE, MS), "guard.latency.quantile"),
            (
                some().latency(Ratio::HALF, Duration::ZERO),
                "guard.latency.most",
            ),
            (
                some().burn_rate(Ratio::ONE, 1.0),
                "guard.burn_rate.objective",
            ),
            (
                some().burn_rate(Ratio::HALF, f64::NAN),
                "guard.burn_rate.most",
            ),
            (some().window(Window::Count(0)), "guard.window"),
        ] {
            assert_eq!(config.check().unwrap_err().field(), field);
        }
    }
}
