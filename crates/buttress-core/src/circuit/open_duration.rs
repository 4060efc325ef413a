use std::time::Duration;

use super::config::bounded;
use crate::{ConfigError, Ratio};

/// How long a circuit stays open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OpenDuration {
    /// A fixed time.
    Fixed(Duration),
    /// The share `share` of the time since it first opened, without having stayed closed for at least as long as it was
    /// open; never below `initial` or above `max`. So what it rejects after the dependency has recovered is at most that
    /// share of what the outage cost. With a share of 100 % the open time doubles.
    ///
    /// Up to the ratio `jitter` of it is subtracted at random, so that many clients of one dependency do not probe it at
    /// the same time.
    Proportional {
        /// The first open time.
        initial: Duration,
        /// The share of the time since the first opening.
        share: Ratio,
        /// The longest open time.
        max: Duration,
        /// The largest share that jitter subtracts.
        jitter: Ratio,
    },
}

impl Default for OpenDuration {
    /// 5 % of the time since the first opening, from 250 ms to 5 s, less up to 20 %.
    ///
    /// Chosen by the tables "circuit: up and down" and "circuit: a fleet after an outage" of the simulations.
    fn default() -> Self {
        Self::Proportional {
            initial: Duration::from_millis(250),
            share: Ratio::percent(5),
            max: Duration::from_secs(5),
            jitter: Ratio::percent(20),
        }
    }
}

impl OpenDuration {
    /// The open time of a circuit that first opened `failing_for` ago, with a uniform number `random` for the jitter.
    #[must_use]
    pub fn after(self, failing_for: Duration, random: u64) -> Duration {
        match self {
            Self::Fixed(time) => time,
            Self::Proportional {
                initial,
                share,
                max,
                jitter,
            } => {
                let longest = failing_for.mul_f64(share.get()).max(initial).min(max);
                let taken = jitter.get() * (random >> 11) as f64 / (1_u64 << 53) as f64;
                longest.mul_f64(1.0 - taken)
            }
        }
    }

    pub(super) fn check(self) -> Result<(), ConfigError> {
        match self {
            Self::Fixed(time) => bounded("open_for", time),
            Self::Proportional { initial, max, .. } => {
                bounded("open_for.initial", initial)?;
                bounded("open_for.max", max)?;
                if initial > max {
                    let bound = format!("at most open_for.max, {max:?}");
                    return Err(ConfigError::new(
                        "open_for.initial",
                        format_args!("{initial:?}"),
                        bound,
                    ));
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_subtracts_at_most_its_share() {
        let time = |random| OpenDuration::default().after(Duration::from_secs(100), random);
        assert_eq!(time(0), Duration::from_secs(5));
        assert!(time(u64::MAX) >= Duration::from_secs(4));
    }

    #[test]
    fn it_is_a_share_of_the_outage_between_its_bounds() {
        let after = |secs| OpenDuration::default().after(Duration::from_secs(secs), 0);
        assert_eq!(after(0), Duration::from_millis(250));
        assert_eq!(after(40), Duration::from_secs(2));
        assert_eq!(after(4_000), Duration::from_secs(5));
    }
}
