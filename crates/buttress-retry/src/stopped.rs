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
/// use buttress_retry::{RetryStopped, StopReason};
///
/// fn log(error: &BoxError) {
///     if let Some(stopped) = RetryStopped::find(&**error) {
///         println!("{} after {} attempts", stopped.reason(), stopped.attempts());
///     }
/// }
/// # log(&"an error".into());
/// # let _ = StopReason::BudgetEmpty;
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
