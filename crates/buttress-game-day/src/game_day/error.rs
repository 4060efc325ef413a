use std::error::Error;
use std::fmt;
use std::ops::Range;

use buttress_core::text::line_and_column;

/// An error in a game day, with its position in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GameDayError {
    line: usize,
    column: usize,
    message: String,
}

impl GameDayError {
    pub(super) fn at(text: &str, span: Option<Range<usize>>, message: impl fmt::Display) -> Self {
        let (line, column) = line_and_column(text, span.map_or(0, |span| span.start));
        Self {
            line,
            column,
            message: message.to_string(),
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
}

impl fmt::Display for GameDayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            line,
            column,
            message,
        } = self;
        write!(f, "line {line}, column {column}: {message}")
    }
}

impl Error for GameDayError {}
