//! The problem for each rejection.

use buttress_core::{Reason, Rejection};
use http::StatusCode;

use crate::Problem;

impl From<&Rejection> for Problem {
    /// Returns the problem for the rejection's reason. The name of the layer is only in the internal text.
    fn from(rejection: &Rejection) -> Self {
        let reason = rejection.reason();
        let Entry {
            status,
            detail,
            retryable,
        } = entry(reason).unwrap_or(UNLISTED);
        let problem = Self::new(status)
            .with_detail(detail)
            .with_reason(reason)
            .with_scope(rejection.scope())
            .with_retryable(retryable)
            .with_internal(rejection.to_string());
        match rejection.retry_after() {
            Some(after) => problem.with_retry_after(after),
            None => problem,
        }
    }
}

/// Returns the status of a rejection with this reason, unless another problem is registered.
pub(crate) fn status(reason: Reason) -> u16 {
    entry(reason).unwrap_or(UNLISTED).status.as_u16()
}

/// The constant part of a rejection.
struct Entry {
    status: StatusCode,
    detail: &'static str,
    /// Whether the rejection is expected to be temporary.
    retryable: bool,
}

/// The table of all known reasons, complete by a test: a new reason needs a line here.
fn entry(reason: Reason) -> Option<Entry> {
    let (status, retryable, detail) = match reason {
        Reason::CircuitOpen => (
            StatusCode::SERVICE_UNAVAILABLE,
            true,
            "A dependency of this service is failing and is not called for a while.",
        ),
        Reason::CircuitHalfOpen => (
            StatusCode::SERVICE_UNAVAILABLE,
            true,
            "A dependency of this service was failing and is being tested.",
        ),
        Reason::CircuitRecovering => (
            StatusCode::SERVICE_UNAVAILABLE,
            true,
            "A dependency of this service is recovering and accepts only a part of the calls.",
        ),
        // Only an operator ends it.
        Reason::CircuitIsolated => (
            StatusCode::SERVICE_UNAVAILABLE,
            false,
            "A dependency of this service was taken out of use by its operators.",
        ),
        // None of these is temporary: the deadline is the caller's, and has passed.
        Reason::DeadlineExceeded => (
            StatusCode::GATEWAY_TIMEOUT,
            false,
            "The deadline of the call passed before the response.",
        ),
        Reason::DeadlineExpired => (
            StatusCode::GATEWAY_TIMEOUT,
            false,
            "The deadline of the call had passed when it arrived.",
        ),
        Reason::DeadlineTooShort => (
            StatusCode::GATEWAY_TIMEOUT,
            false,
            "The remaining time of the call was too short to complete it.",
        ),
        Reason::BulkheadFull => (
            StatusCode::SERVICE_UNAVAILABLE,
            true,
            "The service has reached its limit of concurrent calls.",
        ),
        Reason::ClientThrottled => (
            StatusCode::SERVICE_UNAVAILABLE,
            true,
            "A dependency of this service is overloaded and gets fewer calls for a while.",
        ),
        Reason::CriticalityTooLow => (
            StatusCode::SERVICE_UNAVAILABLE,
            true,
            "The service is overloaded and serves more critical calls first.",
        ),
        Reason::FaultInjected => (
            StatusCode::SERVICE_UNAVAILABLE,
            true,
            "The call was rejected on purpose, as part of an experiment.",
        ),
        Reason::LimitReached => (
            StatusCode::SERVICE_UNAVAILABLE,
            true,
            "The service has reached its limit of concurrent calls.",
        ),
        Reason::QueueOverloaded => (
            StatusCode::SERVICE_UNAVAILABLE,
            true,
            "The service has reached its limit of waiting calls.",
        ),
        Reason::QueueTimeout => (
            StatusCode::SERVICE_UNAVAILABLE,
            true,
            "The call waited for the service until its wait timed out.",
        ),
        Reason::ResourceExhausted => (
            StatusCode::SERVICE_UNAVAILABLE,
            true,
            "The service is short of memory or processor time.",
        ),
        Reason::TenantOverShare => (
            StatusCode::TOO_MANY_REQUESTS,
            true,
            "The caller exceeds its share of an overloaded service.",
        ),
        _ => return None,
    };
    Some(Entry {
        status,
        detail,
        retryable,
    })
}

/// For a reason that is not in this table yet: a rejection, so 503, and not known to be temporary.
const UNLISTED: Entry = Entry {
    status: StatusCode::SERVICE_UNAVAILABLE,
    detail: "The service rejected the call because of its load.",
    retryable: false,
};

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_reason_has_an_entry() {
        for &reason in Reason::ALL {
            assert!(
                entry(reason).is_some(),
                "{reason:?} has no line in the table"
            );
        }
    }

    #[test]
    fn no_rejection_is_a_408() {
        for &reason in Reason::ALL {
            let problem = Problem::from(&Rejection::new(reason, "api"));
            assert_ne!(problem.status(), StatusCode::REQUEST_TIMEOUT);
            assert!(
                problem.status().is_server_error()
                    || problem.status() == StatusCode::TOO_MANY_REQUESTS
            );
        }
    }

    #[test]
    fn a_problem_has_the_rejections_values_and_hides_the_name_of_the_layer() {
        let after = Duration::from_millis(1_500);
        for &reason in Reason::ALL {
            let rejection = Rejection::new(reason, "billing-shard-3").with_retry_after(after);
            let problem = Problem::from(&rejection);
            assert_eq!(problem.reason(), Some(reason));
            assert_eq!(problem.scope(), Some(rejection.scope()));
            assert!(problem.retryable().is_some());
            assert_eq!(problem.retry_after(), Some(after));
            assert!(
                problem
                    .internal()
                    .is_some_and(|text| text.contains("billing-shard-3"))
            );
            assert!(
                !serde_json::to_string(&problem)
                    .unwrap()
                    .contains("billing-shard-3")
            );
        }
    }
}
