use std::error::Error;
use std::time::Duration;

use crate::{
    FailureKind, Outcome, Reason, Rejection, Report, Scope, classify_error, classify_known_error,
    foreign,
};

/// What the result of an attempt means for a retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Classification {
    /// Whether another attempt could help.
    pub class: RetryClass,
    /// How long the dependency told clients to wait.
    pub hint: Option<Duration>,
}

/// Whether another attempt could help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryClass {
    /// A success, or a result that is returned to the caller as it is.
    Final,
    /// A failure, and the dependency forbids a retry.
    Forbidden,
    /// A failure that is listed as safe to retry, unless the call is known to be unsafe.
    Listed(FailureKind),
    /// A failure that another attempt would repeat.
    Permanent,
    /// A rejection by a layer of Buttress that another attempt would repeat.
    Rejected,
    /// A failure that another attempt may avoid. Whether the request was processed is unknown.
    Transient(FailureKind),
    /// According to the error, the dependency did not process the request. A request that must not be processed twice
    /// is sent again only where that is [known](super::CallTerms::unprocessed), because the error may come from a
    /// service behind the dependency.
    Unprocessed(FailureKind),
}

/// Whether a call may be processed twice.
///
/// The set is complete: yes, no, or unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Safety {
    /// It may: processing it twice has the effect of once.
    Idempotent,
    /// Not declared.
    Unknown,
    /// It may not.
    Unsafe,
}

impl Classification {
    /// A success, or a result that is returned to the caller as it is.
    pub const FINAL: Self = Self::new(RetryClass::Final);

    /// A classification without a hint.
    #[must_use]
    pub const fn new(class: RetryClass) -> Self {
        Self { class, hint: None }
    }

    /// The same classification with a hint of how long to wait.
    #[must_use]
    pub const fn hint(mut self, hint: Option<Duration>) -> Self {
        self.hint = hint;
        self
    }
}

impl RetryClass {
    /// The kind of a failure that may be retried, for metrics; `None` for all other results.
    #[must_use]
    pub const fn kind(self) -> Option<FailureKind> {
        match self {
            Self::Listed(kind) | Self::Transient(kind) | Self::Unprocessed(kind) => Some(kind),
            Self::Final | Self::Forbidden | Self::Permanent | Self::Rejected => None,
        }
    }
}

/// Every failure is transient, an ignored result is permanent.
impl From<Report> for Classification {
    fn from(report: Report) -> Self {
        let class = match report.outcome {
            Outcome::Failure(kind) => RetryClass::Transient(kind),
            Outcome::Ignored => RetryClass::Permanent,
            Outcome::Success => RetryClass::Final,
        };
        Self::new(class).hint(report.retry_after)
    }
}

/// Classifies an error for retries, by walking its chain of sources.
///
/// | in the chain | class |
/// |---|---|
/// | a [`Rejection`] at a [deadline that was exceeded](Reason::DeadlineExceeded) | transient, a timeout |
/// | a [`Rejection`] for an [injected fault](Reason::FaultInjected) | as the fault it simulates: transient, of the kind that is [attached to it](crate::ClassifiedError) |
/// | a [`Rejection`] by [this instance](Scope::Instance) | unprocessed, an overload: another instance may have capacity, or this one later |
/// | any other [`Rejection`] | rejected: an open circuit rejects the next attempt as well |
/// | what a [reader](crate::read_errors_with) knows, only | what the reader says |
/// | any other error that [`classify_error`] counts as a failure | transient |
/// | any error that it ignores | permanent |
///
/// No `io::Error` is classified as unprocessed, not even "connection refused" or "host unreachable": an open connection
/// can end with these as well, after the request was sent. Only the client that connected can tell.
#[must_use]
pub fn judge_error(error: &(dyn Error + 'static)) -> Classification {
    match Rejection::find(error) {
        // A caller of an injected abort in the middle of a call must see the same retries as for a real one.
        Some(rejection) if rejection.reason() == Reason::FaultInjected => {
            return Classification::from(classify_error(error)).hint(rejection.retry_after());
        }
        Some(rejection) => return judge_rejection(rejection),
        None => {}
    }
    if let (None, Some(reading)) = (classify_known_error(error), foreign::read(error)) {
        return reading.verdict;
    }
    classify_error(error).into()
}

fn judge_rejection(rejection: &Rejection) -> Classification {
    let class = match (rejection.reason(), rejection.scope()) {
        (Reason::DeadlineExceeded, _) => RetryClass::Transient(FailureKind::Timeout),
        (_, Scope::Instance) => RetryClass::Unprocessed(FailureKind::Overload),
        (_, Scope::Cluster | Scope::Tenant) => RetryClass::Rejected,
    };
    Classification::new(class).hint(rejection.retry_after())
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::ClassifiedError;

    fn class(error: &(dyn Error + 'static)) -> RetryClass {
        judge_error(error).class
    }

    #[test]
    fn only_a_rejection_by_an_instance_is_retried() {
        for &reason in Reason::ALL {
            let rejection =
                Rejection::new(reason, "inner").with_retry_after(Duration::from_secs(1));
            let verdict = judge_error(&rejection);
            let expected = match (reason, rejection.scope()) {
                (Reason::DeadlineExceeded, _) => RetryClass::Transient(FailureKind::Timeout),
                // Without a classified fault it is permanent.
                (Reason::FaultInjected, _) => RetryClass::Permanent,
                (_, Scope::Instance) => RetryClass::Unprocessed(FailureKind::Overload),
                _ => RetryClass::Rejected,
            };
            assert_eq!(verdict.class, expected, "{reason:?}");
            assert_eq!(verdict.hint, Some(Duration::from_secs(1)));
        }
    }

    #[test]
    fn an_injected_fault_is_classified_as_the_fault_it_simulates() {
        for kind in [
            FailureKind::Error,
            FailureKind::Timeout,
            FailureKind::Transport,
        ] {
            let rejection = Rejection::new(Reason::FaultInjected, "chaos");
            let injected = ClassifiedError::new(Outcome::Failure(kind), rejection);
            assert_eq!(class(&injected), RetryClass::Transient(kind));
        }
    }

    #[test]
    fn a_refused_connection_is_transient() {
        let transient = RetryClass::Transient(FailureKind::Transport);
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(class(&refused()), transient);
        let transport = Outcome::Failure(FailureKind::Transport);
        assert_eq!(
            class(&ClassifiedError::new(transport, refused())),
            transient
        );
    }

    #[test]
    fn an_ignored_error_is_permanent() {
        let error = ClassifiedError::new(Outcome::Ignored, io::Error::other("not a request"));
        assert_eq!(class(&error), RetryClass::Permanent);
    }
}
