use std::sync::Arc;

use buttress_core::{BoxError, Rejection};
use buttress_problem::Problem;
use tonic::Status;

/// Converts an error of layers around a tonic client to a status. Use it with `map_err`, outside all layers.
///
/// tonic converts an error that it does not know, such as a [`Rejection`], to `UNKNOWN`. This function converts a
/// rejection to the status that a server with a [`ProblemLayer`](crate::problem::ProblemLayer) sends for the same
/// reason: `UNAVAILABLE` for an open circuit, `RESOURCE_EXHAUSTED` or `UNAVAILABLE` for a limit, `DEADLINE_EXCEEDED`
/// for a deadline. The rejection is the source of the status, where [`Rejection::find`] finds it. Any other error is
/// converted by tonic.
///
/// ```
/// use buttress::prelude::*;
/// use tower::ServiceBuilder;
///
/// let breaker = Breaker::new("payments", BreakerConfig::default());
/// let layers = ServiceBuilder::new()
///     .map_err(buttress::to_status)
///     .layer(BreakerLayer::client(&breaker));
/// // PaymentsClient::new(layers.service(channel))
/// # let _ = layers;
/// ```
#[cfg_attr(docsrs, doc(cfg(all(feature = "problem", feature = "tonic"))))]
pub fn to_status(error: BoxError) -> Status {
    let Some(problem) = Rejection::find(&*error).map(Problem::from) else {
        return Status::from_error(error);
    };
    let status = Status::from_header_map(&problem.to_grpc_headers());
    let mut status = status.unwrap_or_else(|| Status::unknown(problem.to_string()));
    status.set_source(Arc::from(error));
    status
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use buttress_core::{Reason, Report, classify_error};
    use tonic::Code;

    use super::*;

    #[test]
    fn a_rejection_is_a_status_with_the_rejection_as_source() {
        let open = Rejection::new(Reason::CircuitOpen, "payments")
            .with_retry_after(Duration::from_millis(1_500));
        let status = to_status(open.clone().into());
        assert_eq!(status.code(), Code::Unavailable);
        assert_eq!(
            status.metadata().get("grpc-retry-pushback-ms").unwrap(),
            "1500"
        );
        assert_eq!(Rejection::find(&status), Some(&open));
        assert_eq!(classify_error(&status), Report::IGNORED);
        // As tonic does with the error of a service.
        let error: BoxError = status.into();
        assert_eq!(Status::from_error(error).code(), Code::Unavailable);
    }

    #[test]
    fn every_reason_has_a_code() {
        for &reason in Reason::ALL {
            let code = to_status(Rejection::new(reason, "a").into()).code();
            assert!(
                !matches!(code, Code::Ok | Code::Unknown),
                "{reason:?}: {code:?}"
            );
        }
    }

    #[test]
    fn another_error_is_converted_by_tonic() {
        let missing = to_status(Status::not_found("no such order").into());
        assert_eq!(missing.code(), Code::NotFound);
        assert_eq!(to_status(std::fmt::Error.into()).code(), Code::Unknown);
    }
}
