use crate::dice::Dice;

/// How long calls take, in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Service {
    /// Always as long.
    Constant(f64),
    Exponential(f64),
    /// Four of five take half the mean, the fifth three times as long as it.
    Bimodal(f64),
    /// A logarithm with a standard deviation of 1: the mean is above five of seven.
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
