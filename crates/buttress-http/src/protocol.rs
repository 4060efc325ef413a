use std::fmt;
use std::sync::Arc;

use buttress_core::{BoxError, Guard, Protocol, Report};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Response, StatusCode};
use http_body::Body;

use crate::tail::{CUT_OFF, Tail};
use crate::{Classify, GuardedBody, HttpClassifier, Malformed, Reading, digits};

/// The protocol of HTTP and gRPC: it takes the outcome from the status, the headers, the trailers and the body.
///
/// | setting | default |
/// |---|---|
/// | [`until`](Self::until) | [`Until::BodyEnd`] |
/// | [`classify`](Self::classify) | [`HttpClassifier`] |
/// | [`on_malformed`](Self::on_malformed) | ignores it |
///
/// A clone of the default is a copy of a few words: shells clone their protocol for every call.
#[derive(Clone)]
pub struct Http {
    until: Until,
    // `None` is the `HttpClassifier`, so that only those who bring their own pay for a count of references.
    custom: Option<Arc<dyn Classify>>,
    on_malformed: fn(&'static str),
}

impl Http {
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

    /// What to do with the name of a header that is ignored because it is malformed. Shells count it.
    #[must_use]
    pub fn on_malformed(mut self, note: fn(&'static str)) -> Self {
        self.on_malformed = note;
        self
    }

    /// Reads the trailers for a body that has come to its end.
    pub(crate) fn read_trailers(&self, trailers: &HeaderMap) -> Option<Report> {
        self.note(self.classifier().trailers(trailers))
    }

    fn read_head<B>(&self, response: &Response<B>) -> Option<Report> {
        self.note(
            self.classifier()
                .head(response.status(), response.headers()),
        )
    }

    fn classifier(&self) -> &dyn Classify {
        self.custom.as_deref().unwrap_or(&HttpClassifier)
    }

    fn note(&self, reading: Reading) -> Option<Report> {
        if let Some(malformed) = reading.malformed {
            (self.on_malformed)(malformed.header());
        }
        reading.report
    }

    /// How many bytes of body the head promises.
    fn promised<B: Body>(&self, response: &Response<B>) -> Option<u64> {
        let Some(value) = response.headers().get(CONTENT_LENGTH) else {
            return response.body().size_hint().exact();
        };
        let length = digits::parse(value.as_bytes());
        if length.is_none() {
            (self.on_malformed)(Malformed::new("content-length").header());
        }
        length
    }
}

impl Default for Http {
    fn default() -> Self {
        Self {
            until: Until::default(),
            custom: None,
            on_malformed: |_| {},
        }
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
        guard: G,
    ) -> Result<Self::Response<G>, BoxError> {
        let response = match result {
            Ok(response) => response,
            Err(error) => {
                guard.settle(self.classifier().error(&*error));
                return Err(error);
            }
        };

        let head = self.read_head(&response);
        let tail = if self.until == Until::Headers {
            guard.settle(head.unwrap_or(Report::SUCCESS));
            None
        } else if is_without_body(&response) {
            guard.settle(head.unwrap_or(CUT_OFF));
            None
        } else {
            let promised = self.promised(&response);
            Some(Tail::new(guard, head, promised, self.clone()))
        };
        Ok(response.map(|body| GuardedBody::new(body, tail)))
    }
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

/// Whether nobody will poll the body: it is at its end, or the status leaves no room for one.
fn is_without_body<B: Body>(response: &Response<B>) -> bool {
    matches!(
        response.status(),
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
    ) || response.body().is_end_stream()
}
