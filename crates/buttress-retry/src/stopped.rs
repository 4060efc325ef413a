use std::error::Error;
use std::fmt;

use buttress_core::retry::StopReason;
use buttress_core::{BoxError, chain};

/// Why a failed call was not retried, or not retried again.
///
/// It is in the extensions of a response, and among the sources of an error, where [`find`](Self::find) finds it. A
/// permanent failure of the first attempt has none.
///
/// ```
/// use buttress_core::BoxError;
/// use buttress_retry::RetryStopped;
///
/// fn log(error: &BoxError) {
///     if let Some(stopped) = RetryStopped::find(&**error) {
///         // For example "not retried after 3 attempts: the retry budget is empty".
///         println!("{error}: {stopped}");
///     }
/// }
/// # log(&"an error".into());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryStopped {
    reason: StopReason,
    attempts: u32,
}

impl RetryStopped {
    pub(crate) fn new(reason: StopReason, attempts: u32) -> Self {
        Self { reason, attempts }
    }

    /// Returns the reason.
    #[must_use]
    pub fn reason(&self) -> StopReason {
        self.reason
    }

    /// Returns the number of attempts.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Finds the reason among an error and its sources.
    #[must_use]
    pub fn find(error: &(dyn Error + 'static)) -> Option<Self> {
        chain(error)
            .find_map(|error| error.downcast_ref::<Marked>())
            .map(|marked| marked.stopped)
    }

    /// Attaches the reason to an error.
    pub(crate) fn mark(self, source: BoxError) -> BoxError {
        Marked {
            stopped: self,
            source,
        }
        .into()
    }
}

/// The reason and the number of attempts, in one line.
impl fmt::Display for RetryStopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reason, attempts } = self;
        let plural = if *attempts == 1 { "" } else { "s" };
        write!(f, "not retried after {attempts} attempt{plural}: {reason}")
    }
}

/// The last error with the reason. Its text is that of the inner error, and its source is the inner error.
#[derive(Debug)]
struct Marked {
    stopped: RetryStopped,
    source: BoxError,
}

impl fmt::Display for Marked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.source, f)
    }
}

impl Error for Marked {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_the_reason_and_the_number_of_attempts() {
        for (stopped, text) in [
            (
                RetryStopped::new(StopReason::NotIdempotent, 1),
                "not retried after 1 attempt: the request is not known to be idempotent",
            ),
            (
                RetryStopped::new(StopReason::BudgetEmpty, 3),
                "not retried after 3 attempts: the retry budget is empty",
            ),
        ] {
            assert_eq!(stopped.to_string(), text);
        }
    }

    /// The reason does not change the text of an error, so that log lines remain the same when a retry is added.
    #[test]
    fn a_marked_error_keeps_its_text() {
        let stopped = RetryStopped::new(StopReason::AttemptsExhausted, 3);
        let error = stopped.mark("connection reset".into());
        assert_eq!(error.to_string(), "connection reset");
        assert_eq!(RetryStopped::find(&*error), Some(stopped));
    }
}
