//! The problem for each rejection.

use buttress_core::{Reason, Rejection, RejectionClass};
use http::StatusCode;

use crate::Problem;

impl From<&Rejection> for Problem {
    /// Returns the problem for the rejection's reason. The name of the layer is only in the internal text.
    fn from(rejection: &Rejection) -> Self {
        let reason = rejection.reason();
        let problem = Self::new(status_of(reason))
            .with_detail(reason.detail())
            .with_reason(reason)
            .with_scope(rejection.scope())
            .with_retryable(reason.is_temporary())
            .with_internal(rejection.to_string());
        match rejection.retry_after() {
            Some(after) => problem.with_retry_after(after),
            None => problem,
        }
    }
}

/// Returns the status of a rejection with this reason, unless another problem is registered.
pub(crate) fn status(reason: Reason) -> u16 {
    status_of(reason).as_u16()
}

fn status_of(reason: Reason) -> StatusCode {
    match reason.class() {
        RejectionClass::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        RejectionClass::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        RejectionClass::OverQuota => StatusCode::TOO_MANY_REQUESTS,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

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
