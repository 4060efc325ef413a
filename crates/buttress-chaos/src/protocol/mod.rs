use buttress_core::chaos::{Answer, Subject};
use buttress_core::{BoxError, FailureKind};

use crate::injection::Injection;

mod http;

pub use http::HttpCalls;

/// Calls of any service.
#[derive(Debug, Clone, Copy)]
pub enum PlainCalls {}

/// What is read from a request.
pub trait FaultTarget<Req>: sealed::Sealed {
    #[doc(hidden)]
    fn subject(request: &Req) -> impl Subject;

    #[doc(hidden)]
    fn identity(request: &Req) -> Option<u64>;
}

/// What can be done to a response.
pub trait InjectResponse<Res>: sealed::Sealed {
    /// What the caller gets.
    type Response;

    /// The response as it is.
    #[doc(hidden)]
    fn pass(response: Res) -> Self::Response;

    #[doc(hidden)]
    fn answer(answer: &Answer, meddling: Injection) -> Result<Self::Response, BoxError>;

    #[doc(hidden)]
    fn tamper(
        result: Result<Res, BoxError>,
        meddling: Injection,
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

    fn answer(answer: &Answer, mut meddling: Injection) -> Result<Res, BoxError> {
        meddling.conclude(true);
        Err(as_error(answer, &meddling))
    }

    fn tamper(result: Result<Res, BoxError>, mut meddling: Injection) -> Result<Res, BoxError> {
        let failed = result
            .as_ref()
            .is_err_and(|error| buttress_core::classify_error(&**error).outcome.is_failure());
        meddling.conclude(failed);
        result
    }
}

/// An answer where there is nothing but errors to answer with.
fn as_error(answer: &Answer, meddling: &Injection) -> BoxError {
    match answer {
        Answer::Abort => meddling.error(FailureKind::Transport),
        // It hung until the plan was over.
        Answer::Hang => meddling.error(FailureKind::Timeout),
        Answer::Panic => panic!("fault injected by {}", meddling.shared().name),
        Answer::Error | Answer::GrpcStatus { .. } | Answer::Status(_) => {
            meddling.error(FailureKind::Error)
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
