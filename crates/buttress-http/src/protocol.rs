use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use buttress_core::{BoxError, Criticality, Deadline, Guard, Identify, Protocol, Report, Upload};
use http::header::CONTENT_LENGTH;
use http::{Extensions, HeaderMap, Request, Response, StatusCode};
use http_body::Body;

use crate::deadline::given_by_caller;
use crate::ending_body::{CUT_OFF, EndingBody};
use crate::{Classify, GuardedBody, HttpClassifier, digits, request_identity};

/// The protocol of HTTP and gRPC: it takes the outcome from the status, the headers, the trailers and the body.
///
/// | setting | default |
/// |---|---|
/// | [`until`](Self::until) | [`Until::BodyEnd`] |
/// | [`classify`](Self::classify) | [`HttpClassifier::client`], or [`HttpClassifier::server`] on a [server](Self::server) |
///
/// A clone of the default is a copy of a few words: shells clone their protocol for every call.
#[derive(Clone, Default)]
pub struct Http {
    until: Until,
    side: HttpClassifier,
    // // `None` is the `HttpClassifier` of the side, so that only a custom classifier costs a reference count.
    custom: Option<Arc<dyn Classify>>,
}

impl Http {
    /// For a client, which reads what the answers say about its dependency. This is the default.
    #[must_use]
    pub fn client() -> Self {
        Self::default()
    }

    /// For a server, which reads what its answers say about itself.
    #[must_use]
    pub fn server() -> Self {
        Self {
            side: HttpClassifier::server(),
            ..Self::default()
        }
    }

    /// How long a call lasts.
    #[must_use]
    pub fn until(mut self, until: Until) -> Self {
        self.until = until;
        self
    }

    /// Replaces the classifier.
    #[must_use]
    pub fn classify(mut self, classifier: impl Classify + 'static) -> Self {
        self.custom = Some(Arc::new(classifier));
        self
    }

    pub(crate) fn classifier(&self) -> &dyn Classify {
        self.custom.as_deref().unwrap_or(&self.side)
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

impl<B: Body> Protocol<Response<B>> for Http {
    type Response<G: Guard> = Response<GuardedBody<B, G>>;

    fn conclude<G: Guard>(
        &self,
        result: Result<Response<B>, BoxError>,
        guard: &mut Option<G>,
    ) -> Result<Self::Response<G>, BoxError> {
        let settle = |guard: &mut Option<G>, report| {
            if let Some(guard) = guard {
                guard.settle(report);
            }
        };
        let response = match result {
            Ok(response) => response,
            Err(error) => {
                settle(guard, self.classifier().error(&*error));
                return Err(error);
            }
        };

        let head = self
            .classifier()
            .head(response.status(), response.headers());
        let tail = if self.until == Until::Headers {
            settle(guard, head.unwrap_or(Report::SUCCESS));
            None
        } else if is_without_body(&response) {
            settle(guard, head.unwrap_or(CUT_OFF));
            None
        } else {
            let promised = promised(&response);
            guard.take().map(|mut guard| {
                guard.answered(head.as_ref());
                EndingBody::new(guard, head, promised, self.clone())
            })
        };
        Ok(response.map(|body| GuardedBody::new(body, tail)))
    }
}

impl<B> Identify<Request<B>> for Http {
    fn identity(&self, request: &Request<B>) -> Option<u64> {
        request_identity(request.headers())
    }

    /// What an outer layer put into the request's extensions.
    fn deadline(&self, request: &Request<B>) -> Option<Deadline> {
        request.extensions().get().copied()
    }

    /// What an outer layer put into the request's extensions, and what the relative headers say
    /// ([`DeadlineHeaders::RELATIVE`](crate::deadline::DeadlineHeaders::RELATIVE)): the least of them.
    #[inline(always)]
    fn caller_deadline(&self, request: &Request<B>, now: Instant) -> Option<Deadline> {
        if request.headers().is_empty() && request.extensions().is_empty() {
            return None;
        }
        caller_deadline(request.headers(), request.extensions(), now)
    }

    /// What [`track_upload`](crate::track_upload) put into the request's extensions.
    #[inline(always)]
    fn upload(&self, request: &Request<B>, now: Instant) -> Option<Upload> {
        let extensions = request.extensions();
        if extensions.is_empty() {
            return None;
        }
        upload(extensions, now)
    }

    /// What an outer layer put into the request's extensions.
    fn criticality(&self, request: &Request<B>) -> Option<Criticality> {
        request.extensions().get().copied()
    }
}

// Apart, so that layers need not make room for it where they call the service.
#[inline(never)]
fn caller_deadline(headers: &HeaderMap, extensions: &Extensions, now: Instant) -> Option<Deadline> {
    let written = given_by_caller(headers).and_then(|given| Deadline::after(now, given));
    Deadline::earlier(extensions.get().copied(), written)
}

#[cold]
#[inline(never)]
fn upload(extensions: &Extensions, now: Instant) -> Option<Upload> {
    extensions.get().map(|upload: &Upload| upload.of_call(now))
}

/// How long a call lasts, and with it the permit it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Until {
    /// Until the body ends, fails or is dropped. What happens to the body counts.
    #[default]
    BodyEnd,
    /// Until the head of the response is there: for streams without an end. What happens to the body is not
    /// seen, so a gRPC call that fails after its head counts as a success.
    Headers,
}

/// Whether the body will not be polled: it is at its end, or the status allows none.
fn is_without_body<B: Body>(response: &Response<B>) -> bool {
    matches!(
        response.status(),
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
    ) || response.body().is_end_stream()
}

/// How many bytes of body the head promises. A length that cannot be read promises nothing.
fn promised<B: Body>(response: &Response<B>) -> Option<u64> {
    match response.headers().get(CONTENT_LENGTH) {
        Some(value) => digits::parse(value.as_bytes()),
        None => response.body().size_hint().exact(),
    }
}
