use std::error::Error;
use std::fmt;

/// A configuration value that was rejected: which field, what it was, and what it may be.
///
/// ```
/// use buttress_core::Ratio;
///
/// let error = Ratio::new(1.5).unwrap_err();
/// assert_eq!(error.to_string(), "ratio is 1.5, but must be from 0 to 1");
/// assert_eq!(error.field(), "ratio");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    field: &'static str,
    value: String,
    bound: String,
}

impl ConfigError {
    /// Rejects `value` for `field`, because it must be `bound` (a phrase that completes "must be …").
    #[must_use]
    pub fn new(field: &'static str, value: impl fmt::Display, bound: impl fmt::Display) -> Self {
        Self {
            field,
            value: value.to_string(),
            bound: bound.to_string(),
        }
    }

    /// The same rejection under the name the value has where it was used.
    #[must_use]
    pub fn of(mut self, field: &'static str) -> Self {
        self.field = field;
        self
    }

    /// The field that was rejected.
    #[must_use]
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// The value that was rejected, as text.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// What the value must be.
    #[must_use]
    pub fn bound(&self) -> &str {
        &self.bound
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            field,
            value,
            bound,
        } = self;
        write!(f, "{field} is {value}, but must be {bound}")
    }
}

impl Error for ConfigError {}
