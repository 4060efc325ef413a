use std::error::Error;
use std::sync::OnceLock;

use crate::Report;
use crate::retry::Classification;

/// The meaning of an error of a library that this crate does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorReading {
    /// How the attempt ended.
    pub report: Report,
    /// Whether another attempt could help.
    pub verdict: Classification,
}

/// Reads an error, with its whole chain of sources; `None` if it is not recognised.
pub type ReadError = fn(&(dyn Error + 'static)) -> Option<ErrorReading>;

/// Registers `read`, which [`classify_error`](crate::classify_error) and [`judge_error`](crate::retry::judge_error) use
/// for errors without a known source. Only the first reader of a process is registered: that of the adapter to the
/// client library.
pub fn read_errors_with(read: ReadError) {
    let _ = READER.set(read);
}

/// The result of the reader, if there is one.
pub(crate) fn read(error: &(dyn Error + 'static)) -> Option<ErrorReading> {
    READER.get()?(error)
}

static READER: OnceLock<ReadError> = OnceLock::new();
