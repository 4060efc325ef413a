use std::fmt;

use crate::ConfigError;

/// A share of a whole, from 0 to 1, checked when it is made.
///
/// ```
/// use buttress_core::Ratio;
///
/// # fn main() -> Result<(), buttress_core::ConfigError> {
/// assert_eq!(Ratio::new(0.25)?, Ratio::percent(25));
/// assert_eq!(Ratio::percent(25).to_string(), "25%");
/// assert!(Ratio::new(f64::NAN).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Ratio(f64);

impl Ratio {
    /// Nothing.
    pub const ZERO: Self = Self(0.0);
    /// Half.
    pub const HALF: Self = Self(0.5);
    /// Everything.
    pub const ONE: Self = Self(1.0);

    /// A ratio from a number.
    ///
    /// # Errors
    ///
    /// Rejects what is below 0, above 1, or not a number.
    pub fn new(value: f64) -> Result<Self, ConfigError> {
        if (0.0..=1.0).contains(&value) {
            Ok(Self(value))
        } else {
            Err(ConfigError::new("ratio", value, "from 0 to 1"))
        }
    }

    /// A ratio from whole percent, for literals.
    ///
    /// # Panics
    ///
    /// Above 100; in a `const`, that is an error of the compiler.
    #[must_use]
    pub const fn percent(percent: u8) -> Self {
        assert!(percent <= 100, "percent must be from 0 to 100");
        Self(percent as f64 / 100.0)
    }

    /// The ratio as a number from 0 to 1.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// Whether a uniform 64-bit number falls within this share of all numbers.
    #[must_use]
    pub fn includes(self, random: u64) -> bool {
        // 53 bits is what an f64 holds exactly, so 0 includes nothing and 1 everything.
        const SCALE: f64 = (1_u64 << 53) as f64;
        ((random >> 11) as f64) < self.0 * SCALE
    }
}

impl TryFrom<f64> for Ratio {
    type Error = ConfigError;

    fn try_from(value: f64) -> Result<Self, ConfigError> {
        Self::new(value)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rounded to a millionth of a percent, so that 0.07 does not print as 7.000000000000001%.
        write!(f, "{}%", (self.0 * 1e8).round() / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_include_nothing_and_everything() {
        for random in [0, 1, u64::MAX / 2, u64::MAX] {
            assert!(!Ratio::ZERO.includes(random));
            assert!(Ratio::ONE.includes(random));
        }
    }

    #[test]
    fn a_ratio_includes_its_share_of_draws() {
        let share = Ratio::percent(7);
        let hits = (0..10_000_u64)
            .filter(|i| share.includes(i * (u64::MAX / 10_000)))
            .count();
        assert!((699..=701).contains(&hits), "{hits}");
    }

    #[test]
    fn out_of_range_is_rejected_by_name_value_and_bound() {
        for value in [-0.1, 1.000_001, f64::INFINITY, f64::NAN] {
            let error = Ratio::new(value).unwrap_err();
            assert_eq!(error.bound(), "from 0 to 1");
            assert_eq!(error.value(), value.to_string());
        }
    }
}
