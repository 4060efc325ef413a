use buttress_core::chaos::{Answer, Subject};
use buttress_core::{BoxError, FailureKind};

use crate::injection::Injection;

mod http;

pub use http::HttpCalls;

/// Calls of any service.
#[derive(Debug, Clone, Copy)]
pub enum PlainCalls {}

/// How a request is read.
pub trait FaultTarget<Req>: sealed::Sealed {
    #[doc(hidden)]
    fn subject(request: &Req) -> impl Subject;

    #[doc(hidden)]
    fn identity(request: &Req) -> Option<u64>;
}

/// How a response is changed.
pub trait InjectResponse<Res>: sealed::Sealed {
    /// The response for the caller.
    type Response;

    /// Returns the response unchanged.
    #[doc(hidden)]
    fn pass(response: Res) -> Self::Response;

    #[doc(hidden)]
    fn answer(answer: &Answer, injection: Injection) -> Result<Self::Response, BoxError>;

    #[doc(hidden)]
    fn tamper(
        result: Result<Res, BoxError>,
        injection: Injection,
    ) -> Result<Self::Response, BoxError>;
}

impl<Req> FaultTarget<Req> for PlainCalls {
    fn subject(_: &Req) -> impl Subject {}

    fn identity(_: &Req) -> Option<u64> {
        None
    }
}

impl<Res> InjectResponse<Res> for PlainCalls {
    type Response = Res;

    #[inline]
    fn pass(response: Res) -> Res {
        response
    }

    fn answer(answer: &Answer, mut injection: Injection) -> Result<Res, BoxError> {
        injection.conclude(true);
        Err(as_error(answer, &injection))
    }

    fn tamper(result: Result<Res, BoxError>, mut injection: Injection) -> Result<Res, BoxError> {
        let failed = result
            .as_ref()
            .is_err_and(|error| buttress_core::classify_error(&**error).outcome.is_failure());
        injection.conclude(failed);
        result
    }
}

/// An injected response as an error, for services without HTTP.
fn as_error(answer: &Answer, injection: &Injection) -> BoxError {
    match answer {
        Answer::Abort => injection.error(FailureKind::Transport),
        // It hung until the plan ended.
        Answer::Hang => injection.error(FailureKind::Timeout),
        Answer::Panic => panic!("fault injected by {}", injection.shared().name),
        Answer::Error | Answer::GrpcStatus { .. } | Answer::Status(_) => {
            injection.error(FailureKind::Error)
        }
    }
}

mod sealed {
    #[expect(
        unnameable_types,
        reason = "a sealed trait: a type that cannot be named cannot be implemented"
    )]
    pub trait Sealed {}

    impl Sealed for super::PlainCalls {}
    impl Sealed for super::HttpCalls {}
}
