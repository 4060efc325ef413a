use std::error::Error;
use std::fmt;

/// A header that breaks its own grammar. Readers ignore such a header, and count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Malformed {
    header: &'static str,
}

impl Malformed {
    /// Says that the header called `header`, in lower case, is malformed.
    #[must_use]
    pub const fn new(header: &'static str) -> Self {
        Self { header }
    }

    /// The header's name: a closed set, fit for a metric label.
    #[must_use]
    pub const fn header(self) -> &'static str {
        self.header
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed {} header", self.header)
    }
}

impl Error for Malformed {}
