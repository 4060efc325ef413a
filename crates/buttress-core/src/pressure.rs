use std::time::Duration;

use crate::{ConfigError, Criticality, Ratio};

/// The thresholds of memory and processor pressure, and the criticality that each rejects.
///
/// Each signal has two bounds. From the first bound, `Low` calls are rejected; from half way to the second bound,
/// `Medium` calls as well; from the second bound, all but `Critical` calls.
///
/// | field | default |
/// |---|---|
/// | [`memory`](Self::memory) | off |
/// | [`run_delay`](Self::run_delay) | off |
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PressureConfig {
    memory: Option<(Ratio, Ratio)>,
    run_delay: Option<(Duration, Duration)>,
}

/// A measurement of memory and processor pressure.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pressure {
    /// Memory in use, as a fraction of the memory limit.
    pub memory: Option<Ratio>,
    /// The time that runnable tasks waited for a processor.
    pub run_delay: Option<Duration>,
}

impl PressureConfig {
    /// Rejects calls while the fraction of memory in use is at least `from`, and all but `Critical` calls from `to`.
    /// Off by default.
    #[must_use]
    pub fn memory(mut self, from: Ratio, to: Ratio) -> Self {
        self.memory = Some((from, to));
        self
    }

    /// Rejects calls while runnable tasks wait at least `from` for a processor, and all but `Critical` calls from `to`.
    /// Off by default.
    #[must_use]
    pub fn run_delay(mut self, from: Duration, to: Duration) -> Self {
        self.run_delay = Some((from, to));
        self
    }

    /// Whether any signal is configured.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.memory.is_some() || self.run_delay.is_some()
    }

    /// Checks the configuration.
    ///
    /// # Errors
    ///
    /// A bound of 0, or a second bound below the first.
    pub fn check(&self) -> Result<(), ConfigError> {
        if let Some((from, to)) = self.memory
            && (from == Ratio::ZERO || to < from)
        {
            let value = format!("{from} to {to}");
            return Err(ConfigError::new("pressure.memory", value, ASCENDING));
        }
        if let Some((from, to)) = self.run_delay
            && (from.is_zero() || to < from)
        {
            let value = format!("{from:?} to {to:?}");
            return Err(ConfigError::new("pressure.run_delay", value, ASCENDING));
        }
        Ok(())
    }

    /// Returns the minimum criticality that is admitted. A signal that was not measured rejects no calls.
    #[must_use]
    pub fn least(&self, signals: Pressure) -> Criticality {
        let memory = self
            .memory
            .zip(signals.memory)
            .map(|((from, to), used)| severity(from.get(), to.get(), used.get()));
        let delay = self
            .run_delay
            .zip(signals.run_delay)
            .map(|((from, to), is)| {
                severity(from.as_secs_f64(), to.as_secs_f64(), is.as_secs_f64())
            });
        match memory.unwrap_or(-1.0).max(delay.unwrap_or(-1.0)) {
            severity if severity >= 1.0 => Criticality::Critical,
            severity if severity >= 0.5 => Criticality::High,
            severity if severity >= 0.0 => Criticality::Medium,
            _ => Criticality::Low,
        }
    }
}

/// The position of a value between its bounds: 0 at the first, 1 at the second.
fn severity(from: f64, to: f64, is: f64) -> f64 {
    if is < from {
        -1.0
    } else if is >= to {
        1.0
    } else {
        (is - from) / (to - from)
    }
}

const ASCENDING: &str = "above 0, and the second no less than the first";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_less_is_rejected_first() {
        let config = PressureConfig::default().memory(Ratio::percent(80), Ratio::percent(90));
        for (percent, least) in [
            (0, Criticality::Low),
            (79, Criticality::Low),
            (80, Criticality::Medium),
            (84, Criticality::Medium),
            (86, Criticality::High),
            (90, Criticality::Critical),
            (100, Criticality::Critical),
        ] {
            let signals = Pressure {
                memory: Some(Ratio::percent(percent)),
                ..Pressure::default()
            };
            assert_eq!(config.least(signals), least, "{percent} %");
        }
    }

    #[test]
    fn the_worse_of_two_signals_counts_and_an_absent_one_does_not() {
        let ms = Duration::from_millis;
        let config = PressureConfig::default()
            .memory(Ratio::HALF, Ratio::ONE)
            .run_delay(ms(10), ms(20));
        let signals = Pressure {
            memory: Some(Ratio::percent(10)),
            run_delay: Some(ms(20)),
        };
        assert_eq!(config.least(signals), Criticality::Critical);
        assert_eq!(config.least(Pressure::default()), Criticality::Low);
    }

    #[test]
    fn bounds_that_make_no_sense_are_rejected_by_name() {
        let config = PressureConfig::default();
        let error = config.memory(Ratio::HALF, Ratio::percent(40)).check();
        assert_eq!(error.unwrap_err().field(), "pressure.memory");
        let error = config.run_delay(Duration::ZERO, Duration::MAX).check();
        assert_eq!(error.unwrap_err().field(), "pressure.run_delay");
        assert!(config.memory(Ratio::HALF, Ratio::HALF).check().is_ok());
    }
}
