use std::error::Error;
use std::fmt;
use std::io;

use crate::chain::chain;
use crate::foreign;
use crate::{BoxError, FailureKind, Outcome, Reason, Rejection, Report};

/// Classifies an error, by walking its chain of sources.
///
/// | in the chain | outcome |
/// |---|---|
/// | [`Rejection`] at a [deadline that was exceeded](Reason::DeadlineExceeded) | timeout: the dependency was called, and did not respond in time |
/// | any other [`Rejection`] | ignored: a layer rejected the call, the dependency was not called |
/// | [`ClassifiedError`] | the failure it names |
/// | `io::Error` of kind `TimedOut` | timeout |
/// | `io::Error` of another connection kind (refused, reset, aborted, broken pipe, unexpected end, …) | transport |
/// | none of these, but a [reader](crate::read_errors_with) recognises it | the result of the reader: a `tonic::Status` by its code |
/// | none of these | error |
///
/// The outermost match decides.
///
/// A custom classifier should begin with [`classify_known_error`], which distinguishes a rejection by a layer from a
/// failure of the dependency:
///
/// ```
/// use buttress_core::{BoxError, FailureKind, Report, classify_known_error};
/// # use std::fmt;
/// # #[derive(Debug)] struct NotFound;
/// # impl fmt::Display for NotFound { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str("") } }
/// # impl std::error::Error for NotFound {}
///
/// fn classify<T>(result: &Result<T, BoxError>) -> Report {
///     match result {
///         Ok(_) => Report::SUCCESS,
///         // An inner bulkhead is full, say: ignored, as the dependency was not called.
///         Err(error) => classify_known_error(&**error).unwrap_or_else(|| {
///             // The whole chain, because a retry wraps the last error.
///             match buttress_core::chain(&**error).any(|link| link.is::<NotFound>()) {
///                 true => Report::SUCCESS,
///                 false => Report::failure(FailureKind::Error),
///             }
///         }),
///     }
/// }
/// # assert_eq!(classify::<()>(&Err(NotFound.into())), Report::SUCCESS);
/// ```
#[must_use]
pub fn classify_error(error: &(dyn Error + 'static)) -> Report {
    classify_known_error(error)
        .or_else(|| Some(foreign::read(error)?.report))
        .unwrap_or(Report::failure(FailureKind::Error))
}

/// Classifies an error as [`classify_error`] does, if its chain has a [`Rejection`], a [`ClassifiedError`] or an
/// `io::Error`.
#[must_use]
pub fn classify_known_error(error: &(dyn Error + 'static)) -> Option<Report> {
    chain(error).find_map(classify_link)
}

fn classify_link(error: &(dyn Error + 'static)) -> Option<Report> {
    if let Some(rejection) = error.downcast_ref::<Rejection>() {
        return Some(match rejection.reason() {
            Reason::DeadlineExceeded => Report::failure(FailureKind::Timeout),
            _ => Report::IGNORED,
        });
    }
    if let Some(attributed) = error.downcast_ref::<ClassifiedError>() {
        return Some(Report::new(attributed.outcome));
    }
    let error = error.downcast_ref::<io::Error>()?;
    let kind = match error.kind() {
        io::ErrorKind::TimedOut => FailureKind::Timeout,
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::NotConnected
        | io::ErrorKind::AddrNotAvailable
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::UnexpectedEof => FailureKind::Transport,
        // The chain goes on with what it wraps, if anything.
        _ => return None,
    };
    Some(Report::failure(kind))
}

/// An error with an outcome attached, for adapters that know more than the error's type shows.
///
/// It is transparent: the text is the inner error's, and [`source`](Error::source) is the inner error, so a caller that
/// walks the sources finds the client library's error.
#[derive(Debug)]
pub struct ClassifiedError {
    outcome: Outcome,
    source: BoxError,
}

impl ClassifiedError {
    /// Attaches `outcome` to `source`.
    pub fn new(outcome: Outcome, source: impl Into<BoxError>) -> Self {
        Self {
            outcome,
            source: source.into(),
        }
    }

    /// The attached outcome.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }
}

impl fmt::Display for ClassifiedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.source, f)
    }
}

impl Error for ClassifiedError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_rejections_are_ignored_unless_the_dependency_was_called_and_late() {
        for &reason in Reason::ALL {
            let expected = match reason {
                Reason::DeadlineExceeded => Report::failure(FailureKind::Timeout),
                _ => Report::IGNORED,
            };
            let rejection = Rejection::new(reason, "inner");
            assert_eq!(classify_error(&rejection), expected, "{reason:?}");
        }
    }

    #[test]
    fn connection_errors_are_transport_failures() {
        let transport = Report::failure(FailureKind::Transport);
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(classify_error(&refused), transport);
        assert_eq!(classify_error(&io::Error::other(refused)), transport);
    }

    #[test]
    fn what_an_io_error_wraps_is_read_to_the_end_of_its_chain() {
        let rejection = Rejection::new(Reason::CircuitOpen, "inner");
        let wrapped = ClassifiedError::new(Outcome::Ignored, rejection.clone());
        for error in [io::Error::other(rejection), io::Error::other(wrapped)] {
            assert_eq!(classify_error(&error), Report::IGNORED);
        }
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        let error = io::Error::other(io::Error::other(Box::new(reset) as BoxError));
        assert_eq!(
            classify_error(&error),
            Report::failure(FailureKind::Transport)
        );
    }

    #[test]
    fn an_attribution_decides_before_what_it_wraps() {
        let error = ClassifiedError::new(
            Outcome::Failure(FailureKind::Timeout),
            io::Error::from(io::ErrorKind::ConnectionReset),
        );
        assert_eq!(
            classify_error(&error).outcome,
            Outcome::Failure(FailureKind::Timeout)
        );
        assert!(
            error
                .source()
                .is_some_and(|source| source.is::<io::Error>())
        );
    }
}
