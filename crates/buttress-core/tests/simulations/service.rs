use crate::dice::Dice;

/// The distribution of service times, in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Service {
    /// Always the mean.
    Constant(f64),
    Exponential(f64),
    /// Four of five calls take half the mean, the fifth three times the mean.
    Bimodal(f64),
    /// Log-normal, with a standard deviation of the logarithm of 1: about five of seven calls take less than the mean.
    LogNormal(f64),
}

impl Service {
    pub(crate) fn mean(self) -> f64 {
        match self {
            Self::Constant(mean)
            | Self::Exponential(mean)
            | Self::Bimodal(mean)
            | Self::LogNormal(mean) => mean,
        }
    }

    pub(crate) fn draw(self, dice: &mut Dice) -> f64 {
        match self {
            Self::Constant(mean) => mean,
            Self::Exponential(mean) => dice.exponential(mean),
            Self::Bimodal(mean) if dice.uniform() < 0.8 => 0.5 * mean,
            Self::Bimodal(mean) => 3.0 * mean,
            Self::LogNormal(mean) => mean * (dice.normal() - 0.5).exp(),
        }
    }
}
