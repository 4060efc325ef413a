use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use buttress_core::retry::{Classification, Safety, StopReason};
use buttress_core::{BoxError, Deadline, Guard, Identify, Protocol, Upload};
pub use buttress_http::ATTEMPT;
use buttress_http::deadline::{DeadlineHeaders, age_deadline, read_deadline};
use buttress_http::{
    ClassifyRetry, Fate, Http, Replay, ReplayBuffer, ReplayError, RetryClassifier, Until, grpc,
    safe_at_once, safety_of,
};
use buttress_shell::now;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body::Body;

use crate::RetryStopped;
use crate::repeat::{Attempt, Judge, Repeat};

/// The header with the number of previous attempts in gRPC (gRFC A6).
pub const PREVIOUS_ATTEMPTS: HeaderName = HeaderName::from_static("grpc-previous-rpc-attempts");

/// Repeats HTTP and gRPC requests.
///
/// | setting | default |
/// |---|---|
/// | [`until`](Self::until) | [`Until::BodyEnd`]: a success deposits into the budget when its body has ended |
/// | [`classify`](Self::classify) | [`RetryClassifier`] |
#[derive(Clone, Default)]
pub struct HttpRetry {
    http: Http,
    // // `None` is the `RetryClassifier`: only a custom classifier needs a reference count.
    custom: Option<Arc<dyn ClassifyRetry>>,
}

impl HttpRetry {
    /// Sets when a call ends.
    #[must_use]
    pub fn until(mut self, until: Until) -> Self {
        self.http = self.http.until(until);
        self
    }

    /// Replaces the classifier.
    #[must_use]
    pub fn classify(mut self, classifier: impl ClassifyRetry + 'static) -> Self {
        self.custom = Some(Arc::new(classifier));
        self
    }

    fn classifier(&self) -> &dyn ClassifyRetry {
        self.custom.as_deref().unwrap_or(&RetryClassifier::DEFAULT)
    }
}

impl fmt::Debug for HttpRetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRetry")
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

/// The saved parts of an HTTP request: its head, and a buffer of its body.
pub struct SavedRequest<B> {
    head: Parts,
    tape: ReplayBuffer<B>,
}

impl<B> fmt::Debug for SavedRequest<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SavedRequest")
            .field("method", &self.head.method)
            .field("tape", &self.tape)
            .finish_non_exhaustive()
    }
}

impl<B> Identify<Request<B>> for HttpRetry {
    fn identity(&self, request: &Request<B>) -> Option<u64> {
        self.http.identity(request)
    }

    fn deadline(&self, request: &Request<B>) -> Option<Deadline> {
        // As in gRPC, the caller's timeout covers all attempts.
        let relative = DeadlineHeaders::RELATIVE;
        let unused = || SystemTime::UNIX_EPOCH;
        let given = read_deadline(request.headers(), relative, Duration::ZERO, unused);
        let told = given.and_then(|given| Deadline::after(now(), given));
        Deadline::earlier(request.extensions().get().copied(), told)
    }

    fn upload(&self, request: &Request<B>, now: Instant) -> Option<Upload> {
        self.http.upload(request, now)
    }
}

impl<B: Replay> Repeat<Request<B>> for HttpRetry {
    type Saved = SavedRequest<B::Source>;

    fn safety(&self, request: &Request<B>) -> Safety {
        safety_of(request)
    }

    fn is_safe_at_once(&self, request: &Request<B>) -> bool {
        safe_at_once(request)
    }

    fn is_read_only(&self, request: &Request<B>) -> bool {
        request.method().is_safe()
    }

    fn keep(
        &self,
        request: Request<B>,
        limit: usize,
    ) -> (Request<B>, Result<Self::Saved, StopReason>) {
        let (head, body) = request.into_parts();
        match body.record(limit) {
            Ok((body, tape)) => {
                let kept = head.clone();
                let saved = SavedRequest { head: kept, tape };
                (Request::from_parts(head, body), Ok(saved))
            }
            Err(body) => (
                Request::from_parts(head, body),
                Err(StopReason::BodyTooLarge),
            ),
        }
    }

    fn unrepeatable(&self, saved: &Self::Saved) -> Option<StopReason> {
        saved.tape.check().err().map(reason_of)
    }

    fn is_complete(&self, saved: &Self::Saved) -> bool {
        saved.tape.is_complete()
    }

    fn replay(&self, saved: &Self::Saved, attempt: Attempt) -> Result<Request<B>, StopReason> {
        let body = B::replay(&saved.tape).map_err(reason_of)?;
        let mut head = saved.head.clone();
        let number = HeaderValue::from(attempt.number);
        if grpc::is_grpc(head.headers.get(CONTENT_TYPE)) && attempt.counted > 0 {
            let counted = HeaderValue::from(attempt.counted);
            head.headers.insert(PREVIOUS_ATTEMPTS, counted);
        }
        head.headers.insert(ATTEMPT, number);
        Ok(Request::from_parts(head, body))
    }

    fn follow(&self, request: &mut Request<B>) -> Option<Fate> {
        Some(Fate::follow(request))
    }

    fn add_elapsed(&self, request: &mut Request<B>, elapsed: Duration) {
        age_deadline(request.headers_mut(), elapsed);
    }
}

impl<B: Body> Protocol<Response<B>> for HttpRetry {
    type Response<G: Guard> = <Http as Protocol<Response<B>>>::Response<G>;

    fn conclude<G: Guard>(
        &self,
        result: Result<Response<B>, BoxError>,
        guard: &mut Option<G>,
    ) -> Result<Self::Response<G>, BoxError> {
        self.http.conclude(result, guard)
    }
}

impl<B: Body> Judge<Response<B>> for HttpRetry {
    fn judge(&self, result: &Result<Response<B>, BoxError>) -> Classification {
        match result {
            Ok(response) => self
                .classifier()
                .head(response.status(), response.headers()),
            Err(error) => self.classifier().error(&**error),
        }
    }

    /// The other attempt may have caused a client error: a conflict, a failed precondition, a deleted resource.
    fn is_conclusive(&self, result: &Result<Response<B>, BoxError>) -> bool {
        result.as_ref().is_ok_and(|response| {
            let code = grpc::GrpcCode::from_headers(response.headers());
            let is_refusal = code.is_some_and(|code| code != Ok(grpc::GrpcCode::Ok));
            !is_refusal && !response.status().is_client_error()
        })
    }

    fn stopped(
        &self,
        result: Result<Response<B>, BoxError>,
        why: RetryStopped,
    ) -> Result<Response<B>, BoxError> {
        match result {
            Ok(mut response) => {
                response.extensions_mut().insert(why);
                Ok(response)
            }
            Err(error) => Err(why.mark(error)),
        }
    }
}

fn reason_of(unplayable: ReplayError) -> StopReason {
    match unplayable {
        ReplayError::Failed => StopReason::BodyLost,
        ReplayError::TooLarge => StopReason::BodyTooLarge,
    }
}
