//! The problem for each rejection.

use buttress_core::{Reason, Rejection};
use http::StatusCode;

use crate::Problem;

impl From<&Rejection> for Problem {
    /// The rejection as its reason's entry in the table has it. The name of the layer is ours to know: it is
    /// in the internal text.
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

/// The status of the response to a rejection for this reason, unless another problem is registered.
pub(crate) fn status(reason: Reason) -> u16 {
    entry(reason).unwrap_or(UNLISTED).status.as_u16()
}

/// The constant part of a rejection.
struct Entry {
    status: StatusCode,
    detail: &'static str,
    /// Whether the rejection is expected to pass by itself.
    retryable: bool,
}

/// The table, complete for the reasons there are (a test holds it to that): a new reason gets a line here.
fn entry(reason: Reason) -> Option<Entry> {
    let (status, retryable, detail) = match reason {
        Reason::CircuitOpen => (
            StatusCode::SERVICE_UNAVAILABLE,
            true,
            "A dependency of this service is failing and is left alone for a while.",
        ),
        Reason::CircuitHalfOpen => (
            StatusCode::SERVICE_UNAVAILABLE,
            true,
            "A dependency of this service was failing and is being tested.",
        ),
        Reason::CircuitRecovering => (
            StatusCode::SERVICE_UNAVAILABLE,
            true,
            "A dependency of this service is recovering and takes a share of the calls only.",
        ),
        // An operator ends it, not time.
        Reason::CircuitIsolated => (
            StatusCode::SERVICE_UNAVAILABLE,
            false,
            "A dependency of this service was taken out of use by its operators.",
        ),
        // None of these passes by itself: the time was the caller's, and it is over.
        Reason::DeadlineExceeded => (
            StatusCode::GATEWAY_TIMEOUT,
            false,
            "The call was not answered within the time it had.",
        ),
        Reason::DeadlineExpired => (
            StatusCode::GATEWAY_TIMEOUT,
            false,
            "The time the call had was over when it arrived.",
        ),
        Reason::DeadlineTooShort => (
            StatusCode::GATEWAY_TIMEOUT,
            false,
            "The time the call had left was too short for what remained to be done.",
        ),
        Reason::BulkheadFull => (
            StatusCode::SERVICE_UNAVAILABLE,
            true,
            "The service is at work on as many calls as it can take.",
        ),
        Reason::ClientThrottled => (
            StatusCode::SERVICE_UNAVAILABLE,
            true,
            "A dependency of this service is overloaded and is sent less for a while.",
        ),
        Reason::CriticalityTooLow => (
            StatusCode::SERVICE_UNAVAILABLE,
            true,
            "The service is overloaded and answers more critical calls first.",
        ),
        Reason::FaultInjected => (
            StatusCode::SERVICE_UNAVAILABLE,
            true,
            "The call was refused on purpose, as part of an experiment.",
        ),
        Reason::LimitReached => (
            StatusCode::SERVICE_UNAVAILABLE,
            true,
            "The service is at work on as many calls as it can answer in time.",
        ),
        Reason::QueueOverloaded => (
            StatusCode::SERVICE_UNAVAILABLE,
            true,
            "The service has more calls waiting than it can answer in time.",
        ),
        Reason::QueueTimeout => (
            StatusCode::SERVICE_UNAVAILABLE,
            true,
            "The call waited for the service as long as it could.",
        ),
        Reason::ResourceExhausted => (
            StatusCode::SERVICE_UNAVAILABLE,
            true,
            "The service is short of a resource that the call would need.",
        ),
        Reason::TenantOverShare => (
            StatusCode::TOO_MANY_REQUESTS,
            true,
            "The caller uses more than its share of an overloaded service.",
        ),
        _ => return None,
    };
    Some(Entry {
        status,
        detail,
        retryable,
    })
}

/// For a reason newer than this table: it is a rejection, so 503, and nothing is promised.
const UNLISTED: Entry = Entry {
    status: StatusCode::SERVICE_UNAVAILABLE,
    detail: "The service refused the call to protect itself.",
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
    fn a_rejection_carries_what_the_rejection_knows_and_hides_the_name_of_the_layer() {
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
