use std::f64::consts::TAU;
use std::fmt;
use std::time::Duration;

use crate::ConfigError;

/// The distribution of an injected delay.
///
/// Delays are limited to the range from 0 to [`MAX`](Self::MAX), and have a resolution of a microsecond.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Latency {
    /// A fixed latency.
    Fixed(Duration),
    /// Around a mean, by the Box-Muller transform.
    Normal {
        /// The mean.
        mean: Duration,
        /// The standard deviation.
        deviation: Duration,
    },
    /// The Pareto distribution: a long tail, as real dependencies have it. At least `scale`, and more than `x` times
    /// that with a probability of `x` to the power of minus `shape`.
    Pareto {
        /// The minimum.
        scale: Duration,
        /// The exponent of the tail. Below 1 there is no mean, below 2 no variance.
        shape: f64,
    },
    /// Uniform between two bounds.
    Uniform {
        /// The minimum.
        least: Duration,
        /// The maximum.
        most: Duration,
    },
}

impl Latency {
    /// The longest delay.
    pub const MAX: Duration = Duration::from_secs(60 * 60);

    /// The latency for a uniform 64-bit number.
    #[must_use]
    pub fn sample(self, random: u64) -> Duration {
        let seconds = match self {
            Self::Fixed(latency) => return latency.min(Self::MAX),
            Self::Normal { mean, deviation } => {
                // Two numbers of 32 bits each; the first of them above 0, as its logarithm is taken.
                let radius = ((random >> 32) + 1) as f64 / (1_u64 << 32) as f64;
                let angle = f64::from(random as u32) / (1_u64 << 32) as f64;
                let normal = (-2.0 * radius.ln()).sqrt() * (TAU * angle).cos();
                mean.as_secs_f64() + normal * deviation.as_secs_f64()
            }
            Self::Pareto { scale, shape } => {
                scale.as_secs_f64() * (1.0 - unit(random)).powf(-1.0 / shape)
            }
            Self::Uniform { least, most } => {
                let span = most.saturating_sub(least);
                least.as_secs_f64() + unit(random) * span.as_secs_f64()
            }
        };
        // `max` and `min` also remove NaN.
        let micros = (seconds.max(0.0) * 1e6).min(Self::MAX.as_micros() as f64);
        Duration::from_micros(micros.round() as u64)
    }

    pub(super) fn check(self) -> Result<(), ConfigError> {
        match self {
            Self::Fixed(latency) => bounded("delay", latency),
            Self::Normal { mean, deviation } => {
                bounded("delay.mean", mean)?;
                bounded("delay.deviation", deviation)
            }
            Self::Pareto { scale, shape } => {
                bounded("delay.scale", scale)?;
                if shape.is_finite() && shape > 0.0 {
                    return Ok(());
                }
                Err(ConfigError::new("delay.shape", shape, "above 0"))
            }
            Self::Uniform { least, most } => {
                bounded("delay.most", most)?;
                if least <= most {
                    return Ok(());
                }
                let bound = format!("at most delay.most, {most:?}");
                Err(ConfigError::new(
                    "delay.least",
                    format_args!("{least:?}"),
                    bound,
                ))
            }
        }
    }
}

/// The parameters, as text.
impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(latency) => write!(f, "{latency:?}"),
            Self::Normal { mean, deviation } => write!(f, "{mean:?} ± {deviation:?}"),
            Self::Pareto { scale, shape } => {
                write!(f, "{scale:?} and more (Pareto, shape {shape})")
            }
            Self::Uniform { least, most } => write!(f, "{least:?} to {most:?}"),
        }
    }
}

pub(super) fn bounded(field: &'static str, time: Duration) -> Result<(), ConfigError> {
    if time <= Latency::MAX {
        return Ok(());
    }
    let bound = format!("at most {:?}", Latency::MAX);
    Err(ConfigError::new(field, format_args!("{time:?}"), bound))
}

/// A number from 0 to below 1.
fn unit(random: u64) -> f64 {
    (random >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StableHash;

    const MS: Duration = Duration::from_millis(1);

    fn samples(latency: Latency) -> Vec<f64> {
        let mut samples: Vec<_> = (0..20_000_u64)
            .map(|n| StableHash::new(n).finish())
            .map(|random| latency.sample(random).as_secs_f64() * 1e3)
            .collect();
        samples.sort_by(f64::total_cmp);
        samples
    }

    fn near(value: f64, expected: f64) {
        assert!(
            (value / expected - 1.0).abs() < 0.05,
            "{value} is not {expected}"
        );
    }

    #[test]
    fn a_fixed_latency_of_less_than_a_millisecond_is_kept() {
        let latency = Latency::Fixed(Duration::from_micros(250));
        assert_eq!(latency.sample(7), Duration::from_micros(250));
    }

    #[test]
    fn a_uniform_latency_has_the_quantiles_of_one() {
        let all = samples(Latency::Uniform {
            least: 10 * MS,
            most: 30 * MS,
        });
        near(all[0], 10.0);
        near(all[10_000], 20.0);
        near(all[19_999], 30.0);
    }

    #[test]
    fn a_normal_latency_has_the_quantiles_of_one_and_is_never_negative() {
        let all = samples(Latency::Normal {
            mean: 100 * MS,
            deviation: 20 * MS,
        });
        near(all[3_173], 80.0);
        near(all[10_000], 100.0);
        near(all[16_827], 120.0);
        let wide = samples(Latency::Normal {
            mean: MS,
            deviation: 100 * MS,
        });
        assert!(wide[0] >= 0.0);
    }

    #[test]
    fn a_pareto_latency_has_the_tail_of_one() {
        let all = samples(Latency::Pareto {
            scale: 10 * MS,
            shape: 2.0,
        });
        near(all[0], 10.0);
        near(all[15_000], 20.0);
        near(all[19_800], 100.0);
    }

    #[test]
    fn no_draw_exceeds_the_longest_latency() {
        for random in [0, 1, u64::MAX / 2, u64::MAX] {
            for latency in [
                Latency::Fixed(Duration::MAX),
                Latency::Normal {
                    mean: Duration::MAX,
                    deviation: Duration::MAX,
                },
                Latency::Pareto {
                    scale: 10 * MS,
                    shape: 0.01,
                },
                Latency::Uniform {
                    least: Duration::ZERO,
                    most: Duration::MAX,
                },
            ] {
                assert!(latency.sample(random) <= Latency::MAX, "{latency:?}");
            }
        }
    }

    #[test]
    fn what_cannot_be_is_rejected_by_name() {
        let hour = Latency::MAX;
        for (latency, field) in [
            (Latency::Fixed(hour + MS), "delay"),
            (
                Latency::Normal {
                    mean: MS,
                    deviation: 2 * hour,
                },
                "delay.deviation",
            ),
            (
                Latency::Pareto {
                    scale: MS,
                    shape: 0.0,
                },
                "delay.shape",
            ),
            (
                Latency::Pareto {
                    scale: MS,
                    shape: f64::NAN,
                },
                "delay.shape",
            ),
            (
                Latency::Uniform {
                    least: 2 * MS,
                    most: MS,
                },
                "delay.least",
            ),
        ] {
            assert_eq!(latency.check().unwrap_err().field(), field);
        }
    }
}
