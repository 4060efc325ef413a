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

/// The protocol of HTTP and gRPC: reads the outcome from the status, the headers, the trailers and the body.
///
/// | setting | default |
/// |---|---|
/// | [`until`](Self::until) | [`Until::BodyEnd`] |
/// | [`classify`](Self::classify) | [`HttpClassifier::client`], or [`HttpClassifier::server`] on a [server](Self::server) |
///
/// Cloning the default copies a few words: services clone their protocol for each call.
#[derive(Clone, Default)]
pub struct Http {
    until: Until,
    side: HttpClassifier,
    // // `None` is the `HttpClassifier` of the side: only a custom classifier needs a reference count.
    custom: Option<Arc<dyn Classify>>,
}

impl Http {
    /// For a client: reads what responses say about the dependency. This is the default.
    #[must_use]
    pub fn client() -> Self {
        Self::default()
    }

    /// For a server: reads what its responses say about itself.
    #[must_use]
    pub fn server() -> Self {
        Self {
            side: HttpClassifier::server(),
            ..Self::default()
        }
    }

    /// Sets when a call ends. The default is [`Until::BodyEnd`].
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

    /// The deadline that an outer layer put into the request's extensions.
    fn deadline(&self, request: &Request<B>) -> Option<Deadline> {
        request.extensions().get().copied()
    }

    /// The earliest of the deadline in the request's extensions and those in the relative headers
    /// ([`DeadlineHeaders::RELATIVE`](crate::deadline::DeadlineHeaders::RELATIVE)).
    #[inline(always)]
    fn caller_deadline(&self, request: &Request<B>, now: Instant) -> Option<Deadline> {
        if request.headers().is_empty() && request.extensions().is_empty() {
            return None;
        }
        caller_deadline(request.headers(), request.extensions(), now)
    }

    /// The upload that [`track_upload`](crate::track_upload) put into the request's extensions.
    #[inline(always)]
    fn upload(&self, request: &Request<B>, now: Instant) -> Option<Upload> {
        let extensions = request.extensions();
        if extensions.is_empty() {
            return None;
        }
        upload(extensions, now)
    }

    /// The criticality that an outer layer put into the request's extensions.
    fn criticality(&self, request: &Request<B>) -> Option<Criticality> {
        request.extensions().get().copied()
    }
}

// A separate function, so that its stack frame is not part of the layers' `call`.
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

/// When a call ends, and with it its permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Until {
    /// At the end of the body, an error of the body, or when the body is dropped. The end of the body counts.
    #[default]
    BodyEnd,
    /// At the head of the response: for streams without an end. The body is not observed, so a gRPC call that fails
    /// after its head counts as a success.
    Headers,
}

/// Whether the body will not be polled: it is at its end, or the status allows no body.
fn is_without_body<B: Body>(response: &Response<B>) -> bool {
    matches!(
        response.status(),
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
    ) || response.body().is_end_stream()
}

/// The length of the body according to the head; `None` if it cannot be read.
fn promised<B: Body>(response: &Response<B>) -> Option<u64> {
    match response.headers().get(CONTENT_LENGTH) {
        Some(value) => digits::parse(value.as_bytes()),
        None => response.body().size_hint().exact(),
    }
}
