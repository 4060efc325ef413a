use std::error::Error;
use std::sync::OnceLock;

use crate::Report;
use crate::retry::Verdict;

/// What an error of a library says that this crate does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorReading {
    /// How the attempt ended.
    pub report: Report,
    /// Whether another attempt could help.
    pub verdict: Verdict,
}

/// Reads an error, with its whole chain of sources; `None` if it says nothing.
pub type ReadError = fn(&(dyn Error + 'static)) -> Option<ErrorReading>;

/// Has [`classify_error`](crate::classify_error) and [`judge_error`](crate::retry::judge_error) ask `read` about errors
/// in whose chain they know nothing. The first reader of a process holds: there is one, of those who know a client
/// library.
pub fn read_errors_with(read: ReadError) {
    let _ = READER.set(read);
}

/// What the reader says, if there is one.
pub(crate) fn read(error: &(dyn Error + 'static)) -> Option<ErrorReading> {
    READER.get()?(error)
}

static READER: OnceLock<ReadError> = OnceLock::new();
