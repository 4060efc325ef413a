use std::error::Error;
use std::fmt;

use buttress_core::retry::StopReason;
use buttress_core::{BoxError, chain};

/// Why a call that failed was not tried again, or not once more.
///
/// A response has it in its extensions, and an error in its chain of sources, where [`find`](Self::find) looks for
/// it. What failed at once and for good has none: there was nothing to stop.
///
/// ```
/// use buttress_core::BoxError;
/// use buttress_retry::RetryStopped;
///
/// fn log(error: &BoxError) {
///     if let Some(stopped) = RetryStopped::find(&**error) {
///         // For example "not tried again after 3 attempts: the retry budget is empty".
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

    /// Why.
    #[must_use]
    pub fn reason(&self) -> StopReason {
        self.reason
    }

    /// How many attempts were made.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Looks for it in an error's chain of sources.
    #[must_use]
    pub fn find(error: &(dyn Error + 'static)) -> Option<Self> {
        chain(error)
            .find_map(|error| error.downcast_ref::<Marked>())
            .map(|marked| marked.stopped)
    }

    /// Writes it on an error.
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
        write!(
            f,
            "not tried again after {attempts} attempt{plural}: {reason}"
        )
    }
}

/// The last error with the reason written on it. It is transparent: its text is the inner error's, and its source
/// is the inner error.
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
    fn it_says_the_reason_and_the_number_of_attempts() {
        for (stopped, text) in [
            (
                RetryStopped::new(StopReason::NotIdempotent, 1),
                "not tried again after 1 attempt: the request is not known to be idempotent",
            ),
            (
                RetryStopped::new(StopReason::BudgetEmpty, 3),
                "not tried again after 3 attempts: the retry budget is empty",
            ),
        ] {
            assert_eq!(stopped.to_string(), text);
        }
    }

    /// An error with the reason on it reads as before: a log line of the error does not change where a retry is added.
    #[test]
    fn an_error_that_it_is_written_on_keeps_its_text() {
        let stopped = RetryStopped::new(StopReason::AttemptsExhausted, 3);
        let error = stopped.mark("connection reset".into());
        assert_eq!(error.to_string(), "connection reset");
        assert_eq!(RetryStopped::find(&*error), Some(stopped));
    }
}
