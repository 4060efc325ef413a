use std::time::Duration;

use buttress_core::retry::{Classification, Safety, StopReason, judge_error};
use buttress_core::{BoxError, Classified, Identify, Plain, Protocol};

use buttress_http::Fate;

use crate::RetryStopped;

/// What a shell must know of a request to make it again.
///
/// [`Plain`] clones it; `HttpRetry` keeps its head and records its body.
pub trait Repeat<Req>: Identify<Req> + Clone {
    /// What is kept of a request.
    type Saved;

    /// Whether the request may be processed twice.
    fn safety(&self, request: &Req) -> Safety;

    /// Whether the request may be processed twice at once, and not only once more after the first time.
    fn is_safe_at_once(&self, request: &Req) -> bool {
        self.safety(request) == Safety::Idempotent
    }

    /// Whether the request only reads, so that no answer to it can have been caused by another copy of it.
    fn is_read_only(&self, request: &Req) -> bool {
        let _ = request;
        false
    }

    /// Keeps what is needed to make the request again, with at most `limit` bytes of its body. Returns the request
    /// of the first attempt, and why there can be no other if there cannot.
    fn keep(&self, request: Req, limit: usize) -> (Req, Result<Self::Saved, StopReason>);

    /// What has come in between since, if anything.
    fn unrepeatable(&self, saved: &Self::Saved) -> Option<StopReason>;

    /// Whether all of the request is there, so that two attempts can be made at once.
    fn is_complete(&self, saved: &Self::Saved) -> bool;

    /// The request of another attempt.
    ///
    /// # Errors
    ///
    /// Why there is none.
    fn replay(&self, saved: &Self::Saved, attempt: Attempt) -> Result<Req, StopReason>;

    /// Tracks the request of an attempt, to know whether it came back unprocessed. It is called only for requests that
    /// must not be processed twice.
    fn follow(&self, request: &mut Req) -> Option<Fate> {
        let _ = request;
        None
    }

    /// Tells a request that is sent again how much time has passed since it was first sent.
    fn add_elapsed(&self, request: &mut Req, elapsed: Duration) {
        let _ = (request, elapsed);
    }
}

/// Which attempt at a call a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// Its number, where the first is 1.
    pub number: u32,
    /// How many attempts before it count, without those that were never processed.
    pub counted: u32,
}

/// What a shell must know of a result to decide on another attempt.
pub trait Judge<Res>: Protocol<Res> {
    /// Whether another attempt could help.
    fn judge(&self, result: &Result<Res, BoxError>) -> Classification;

    /// Whether a result is the outcome of a call whatever another attempt at it brings, which runs beside it.
    fn is_conclusive(&self, result: &Result<Res, BoxError>) -> bool {
        result.is_ok()
    }

    /// The result of a call that is not tried again, with the reason on it.
    fn stopped(&self, result: Result<Res, BoxError>, why: RetryStopped) -> Result<Res, BoxError> {
        result.map_err(|error| why.mark(error))
    }
}

/// A retry around a service that is not HTTP assumes that its requests are safe to repeat.
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
