use std::error::Error;
use std::fmt;

/// The error of all scripted failures: a fixed text, so that a test can recognise it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestError(&'static str);

impl TestError {
    /// Creates an error that displays as `text`.
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        Self(text)
    }
}

impl fmt::Display for TestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for TestError {}
