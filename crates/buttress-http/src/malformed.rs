use std::error::Error;
use std::fmt;

use buttress_metrics::{Header, HttpEvent, HttpSignals};

/// A header field that breaks its own grammar.
///
/// The field is treated as absent, and [counted](Self::count).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed(Header);

impl Malformed {
    pub(crate) const fn new(header: Header) -> Self {
        Self(header)
    }

    /// Returns the field.
    #[must_use]
    pub const fn header(self) -> Header {
        self.0
    }

    /// Counts the field as ignored, in the metrics of the process.
    pub fn count(self) {
        HttpSignals::global().emit(HttpEvent::MalformedHeader(self.0));
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed {} header", self.0.as_str())
    }
}

impl Error for Malformed {}

/// Returns the value. If it is malformed, counts it and returns `None`.
pub(crate) fn ignore_malformed<T>(read: Option<Result<T, Malformed>>) -> Option<T> {
    read?.inspect_err(|malformed| malformed.count()).ok()
}
