use std::error::Error;
use std::time::Duration;

use crate::{
    FailureKind, Outcome, Reason, Rejection, Report, Scope, classify_error, classify_known_error,
    foreign,
};

/// What the end of an attempt means for another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Classification {
    /// Whether another attempt could help.
    pub class: RetryClass,
    /// How long the dependency asked callers to stay away.
    pub hint: Option<Duration>,
}

/// Whether another attempt could help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryClass {
    /// A success, or what the caller has to see as it is.
    Final,
    /// It failed, and the dependency forbids a retry.
    Forbidden,
    /// It failed with what is listed as safe to try again, unless the call is known not to be.
    Listed(FailureKind),
    /// It failed, and would again.
    Permanent,
    /// A layer of Buttress rejected it, and would again.
    Rejected,
    /// It failed, and might not again. Its effects are unknown.
    Transient(FailureKind),
    /// By its error the dependency never began on it. A request that must not be processed twice is sent again only
    /// where that is [known](super::CallTerms::unprocessed), as the error may come from further away.
    Unprocessed(FailureKind),
}

/// Whether a call may be processed twice.
///
/// The set is complete: that is known, or known not to be, or not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Safety {
    /// It may: twice has the effect of once.
    Idempotent,
    /// Not declared.
    Unknown,
    /// It may not.
    Unsafe,
}

impl Classification {
    /// A success, or what the caller has to see as it is.
    pub const FINAL: Self = Self::new(RetryClass::Final);

    /// A verdict without a hint.
    #[must_use]
    pub const fn new(class: RetryClass) -> Self {
        Self { class, hint: None }
    }

    /// The same verdict with a hint of how long to wait.
    #[must_use]
    pub const fn hint(mut self, hint: Option<Duration>) -> Self {
        self.hint = hint;
        self
    }
}

impl RetryClass {
    /// What a transient failure is called in metrics; nothing for those that are not tried again.
    #[must_use]
    pub const fn kind(self) -> Option<FailureKind> {
        match self {
            Self::Listed(kind) | Self::Transient(kind) | Self::Unprocessed(kind) => Some(kind),
            Self::Final | Self::Forbidden | Self::Permanent | Self::Rejected => None,
        }
    }
}

/// Every failure is transient, nothing else is.
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

/// Reads off an error whether another attempt could help, by walking its chain of sources.
///
/// | in the chain | class |
/// |---|---|
/// | a [`Rejection`] at a [deadline that was exceeded](Reason::DeadlineExceeded) | transient, a timeout |
/// | a [`Rejection`] for an [injected fault](Reason::FaultInjected) | as the fault it simulates: transient, of the kind that is [attached to it](crate::ClassifiedError) |
/// | a [`Rejection`] by [this instance](Scope::Instance) | unprocessed, an overload: another may have room, or this one in a while |
/// | any other [`Rejection`] | rejected: an open circuit is as open for the next attempt |
/// | what a [reader](crate::read_errors_with) knows, only | what the reader says |
/// | whatever [`classify_error`] takes for a failure | transient |
/// | whatever it ignores | permanent |
///
/// No `io::Error` is taken for one of an attempt that was not processed, not even "connection refused" or "host
/// unreachable": a connection that was open ends with these too, when the network reports them after the request went
/// out. Only the client that connected knows.
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
                // By itself it stands for nothing.
                (Reason::FaultInjected, _) => RetryClass::Permanent,
                (_, Scope::Instance) => RetryClass::Unprocessed(FailureKind::Overload),
                _ => RetryClass::Rejected,
            };
            assert_eq!(verdict.class, expected, "{reason:?}");
            assert_eq!(verdict.hint, Some(Duration::from_secs(1)));
        }
    }

    #[test]
    fn an_injected_fault_is_what_it_stands_for() {
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
    fn what_an_io_error_says_of_a_connection_may_come_after_the_request() {
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
    fn an_error_that_says_nothing_about_the_dependency_stands() {
        let error = ClassifiedError::new(Outcome::Ignored, io::Error::other("not a request"));
        assert_eq!(class(&error), RetryClass::Permanent);
    }
}
