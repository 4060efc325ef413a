use std::time::Duration;

use buttress_core::retry::{Classification, Safety, StopReason, judge_error};
use buttress_core::{BoxError, Classified, Identify, Plain, Protocol};

use buttress_http::Fate;

use crate::RetryStopped;

/// How a request is repeated.
///
/// [`Plain`] clones it; `HttpRetry` keeps its head and records its body.
pub trait Repeat<Req>: Identify<Req> + Clone {
    /// The saved parts of a request.
    type Saved;

    /// Returns whether the request may be processed twice.
    fn safety(&self, request: &Req) -> Safety;

    /// Returns whether two copies of the request may be processed concurrently, and not only one after the other.
    fn is_safe_at_once(&self, request: &Req) -> bool {
        self.safety(request) == Safety::Idempotent
    }

    /// Returns whether the request only reads, so that no response to it can be caused by another copy.
    fn is_read_only(&self, request: &Req) -> bool {
        let _ = request;
        false
    }

    /// Saves what is needed to repeat the request, with at most `limit` bytes of its body. Returns the request of the
    /// first attempt, and the reason if there can be no other attempt.
    fn keep(&self, request: Req, limit: usize) -> (Req, Result<Self::Saved, StopReason>);

    /// Returns the reason, if the request can no longer be repeated.
    fn unrepeatable(&self, saved: &Self::Saved) -> Option<StopReason>;

    /// Returns whether the whole request is saved, so that two attempts can be made concurrently.
    fn is_complete(&self, saved: &Self::Saved) -> bool;

    /// Returns the request of another attempt.
    ///
    /// # Errors
    ///
    /// The reason, if there is none.
    fn replay(&self, saved: &Self::Saved, attempt: Attempt) -> Result<Req, StopReason>;

    /// Tracks the request of an attempt, to find out whether it was returned unprocessed. Called only for requests
    /// that must not be processed twice.
    fn follow(&self, request: &mut Req) -> Option<Fate> {
        let _ = request;
        None
    }

    /// Subtracts the time since the first attempt from the deadline headers of a repeated request.
    fn add_elapsed(&self, request: &mut Req, elapsed: Duration) {
        let _ = (request, elapsed);
    }
}

/// The attempt that a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// Its number, starting at 1.
    pub number: u32,
    /// The number of previous attempts that count. An attempt that was never processed does not count.
    pub counted: u32,
}

/// How a result is classified for a retry.
pub trait Judge<Res>: Protocol<Res> {
    /// Returns whether another attempt could succeed.
    fn judge(&self, result: &Result<Res, BoxError>) -> Classification;

    /// Returns whether a result is the outcome of the call even while another attempt is in flight.
    fn is_conclusive(&self, result: &Result<Res, BoxError>) -> bool {
        result.is_ok()
    }

    /// Attaches the reason to the result of a call that is not retried.
    fn stopped(&self, result: Result<Res, BoxError>, why: RetryStopped) -> Result<Res, BoxError> {
        result.map_err(|error| why.mark(error))
    }
}

/// Around a service that is not HTTP, all requests are assumed safe to repeat.
impl<Req: Clone> Repeat<Req> for Plain {
    type Saved = Req;

    fn safety(&self, _: &Req) -> Safety {
        Safety::Idempotent
    }

    fn keep(&self, request: Req, _: usize) -> (Req, Result<Req, StopReason>) {
        (request.clone(), Ok(request))
    }

    fn unrepeatable(&self, _: &Req) -> Option<StopReason> {
        None
    }

    fn is_complete(&self, _: &Req) -> bool {
        true
    }

    fn replay(&self, saved: &Req, _: Attempt) -> Result<Req, StopReason> {
        Ok(saved.clone())
    }
}

impl<Res> Judge<Res> for Plain {
    fn judge(&self, result: &Result<Res, BoxError>) -> Classification {
        match result {
            Ok(_) => Classification::FINAL,
            Err(error) => judge_error(&**error),
        }
    }
}

impl<Req: Clone, F: Clone> Repeat<Req> for Classified<F> {
    type Saved = Req;

    fn safety(&self, request: &Req) -> Safety {
        Plain.safety(request)
    }

    fn keep(&self, request: Req, limit: usize) -> (Req, Result<Req, StopReason>) {
        Plain.keep(request, limit)
    }

    fn unrepeatable(&self, saved: &Req) -> Option<StopReason> {
        Plain.unrepeatable(saved)
    }

    fn is_complete(&self, saved: &Req) -> bool {
        Plain.is_complete(saved)
    }

    fn replay(&self, saved: &Req, attempt: Attempt) -> Result<Req, StopReason> {
        Plain.replay(saved, attempt)
    }
}

impl<Res, F> Judge<Res> for Classified<F>
where
    F: Fn(&Result<Res, BoxError>) -> buttress_core::Report + Clone,
{
    fn judge(&self, result: &Result<Res, BoxError>) -> Classification {
        self.report(result).into()
    }
}
