use std::pin::Pin;
use std::task::{Context, Poll};

use buttress_core::{ClassifiedError, FailureKind, Outcome};
use http_body::{Body, Frame, SizeHint};
use pin_project::pin_project;

/// The body of a response, with the outcome attached to its error: a timeout of the client also ends bodies, and is
/// not a broken connection.
#[pin_project]
pub(crate) struct AttributedBody(#[pin] pub(crate) reqwest::Body);

impl Body for AttributedBody {
    type Data = <reqwest::Body as Body>::Data;
    type Error = ClassifiedError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, ClassifiedError>>> {
        self.project().0.poll_frame(cx).map_err(|error| {
            let kind = if error.is_timeout() {
                FailureKind::Timeout
            } else {
                FailureKind::Transport
            };
            ClassifiedError::new(Outcome::Failure(kind), error)
        })
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
