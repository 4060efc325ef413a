use std::error::Error;
use std::fmt;
use std::ops::Range;

use buttress_core::text::line_and_column;

/// The errors of a file, in the order of the file.
///
/// It prints one mistake per line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResilienceError {
    mistakes: Vec<Mistake>,
}

impl ResilienceError {
    pub(super) fn new(mut mistakes: Vec<Mistake>) -> Self {
        mistakes.sort_by(|a, b| (a.line, a.column, &a.key).cmp(&(b.line, b.column, &b.key)));
        // Reading a value that is not a table reports it again.
        mistakes.dedup();
        Self { mistakes }
    }

    /// Returns the mistakes, in the order of the file.
    #[must_use]
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }
}

impl fmt::Display for ResilienceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.mistakes.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            mistake.fmt(f)?;
        }
        Ok(())
    }
}

impl Error for ResilienceError {}

/// A mistake in a file: its position, its value, and what the value must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    line: usize,
    column: usize,
    key: String,
    value: String,
    bound: String,
}

impl Mistake {
    pub(super) fn new(
        text: &str,
        span: Range<usize>,
        key: impl Into<String>,
        value: impl fmt::Display,
        bound: impl fmt::Display,
    ) -> Self {
        let (line, column) = line_and_column(text, span.start);
        Self {
            line,
            column,
            key: key.into(),
            value: value.to_string(),
            bound: bound.to_string(),
        }
    }

    /// Returns the line, starting at 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// Returns the column, starting at 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }

    /// Returns the whole key, for example `client.payments.retry.attempts`. For invalid TOML it is `the file`.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the value in the file.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Returns what the value must be, as a phrase after "must be".
    #[must_use]
    pub fn bound(&self) -> &str {
        &self.bound
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            line,
            column,
            key,
            value,
            bound,
        } = self;
        write!(
            f,
            "line {line}, column {column}: {key} is {value}, but must be {bound}"
        )
    }
}
