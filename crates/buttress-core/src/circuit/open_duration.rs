use std::time::Duration;

use super::config::bounded;
use crate::{ConfigError, Ratio};

/// How long a circuit stays open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OpenDuration {
    /// A fixed time.
    Fixed(Duration),
    /// `initial` at first, and twice as long each time it opens again before it stayed closed for at least as long as
    /// it was open; never above `max`. Up to the ratio `jitter` of it is subtracted at random, so that many clients of
    /// one dependency do not probe it at the same time.
    Exponential {
        /// The first open time.
        initial: Duration,
        /// The longest open time.
        max: Duration,
        /// The largest share that jitter subtracts.
        jitter: Ratio,
    },
}

impl Default for OpenDuration {
    /// 5 s, doubling to 60 s, less up to 20 %.
    fn default() -> Self {
        Self::Exponential {
            initial: Duration::from_secs(5),
            max: Duration::from_secs(60),
            jitter: Ratio::percent(20),
        }
    }
}

impl OpenDuration {
    /// The open time after `reopenings` in a row, with a uniform number `random` for the jitter.
    #[must_use]
    pub fn after(self, reopenings: u32, random: u64) -> Duration {
        match self {
            Self::Fixed(time) => time,
            Self::Exponential {
                initial,
                max,
                jitter,
            } => {
                let factor = 2_u32.saturating_pow(reopenings);
                let longest = initial.saturating_mul(factor).min(max);
                let taken = jitter.get() * (random >> 11) as f64 / (1_u64 << 53) as f64;
                longest.mul_f64(1.0 - taken)
            }
        }
    }

    pub(super) fn check(self) -> Result<(), ConfigError> {
        match self {
            Self::Fixed(time) => bounded("open_for", time),
            Self::Exponential { initial, max, .. } => {
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
    fn it_doubles_up_to_its_maximum_and_jitter_stays_below() {
        let time = OpenDuration::Exponential {
            initial: Duration::from_secs(1),
            max: Duration::from_secs(10),
            jitter: Ratio::HALF,
        };
        let longest: Vec<_> = (0..6).map(|n| time.after(n, 0).as_secs()).collect();
        assert_eq!(longest, [1, 2, 4, 8, 10, 10]);
        assert_eq!(time.after(u32::MAX, 0), Duration::from_secs(10));
        assert!(time.after(0, u64::MAX) >= Duration::from_millis(500));
    }
}
