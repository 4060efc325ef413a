use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use buttress_core::BoxError;
use bytes::Bytes;
use http::Response;
use pin_project::pin_project;

use crate::ProblemBody;
use crate::asked::RequestFormat;
use crate::render::take_answer;
use crate::responder::Responder;
use crate::service::SharedError;

/// The response future of a [`ProblemService`](crate::ProblemService).
#[pin_project]
#[derive(Debug)]
pub struct ResponseFuture<F> {
    #[pin]
    kind: Kind<F>,
    responder: Arc<Responder>,
    asked: RequestFormat,
}

#[pin_project(project = KindProj)]
#[derive(Debug)]
enum Kind<F> {
    Inner(#[pin] F),
    SharedError(SharedError),
}

impl<F> ResponseFuture<F> {
    pub(crate) fn inner(future: F, responder: Arc<Responder>, asked: RequestFormat) -> Self {
        Self {
            kind: Kind::Inner(future),
            responder,
            asked,
        }
    }

    pub(crate) fn ready_error(
        error: SharedError,
        responder: Arc<Responder>,
        asked: RequestFormat,
    ) -> Self {
        Self {
            kind: Kind::SharedError(error),
            responder,
            asked,
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    E: Into<BoxError>,
{
    type Output = Result<Response<ProblemBody<B>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let problem: Response<Bytes> = match this.kind.project() {
            KindProj::Inner(future) => match ready!(future.poll(cx)) {
                Ok(mut response) => match take_answer(&mut response) {
                    None => return Poll::Ready(Ok(response.map(ProblemBody::inner))),
                    Some(problem) => {
                        let (head, _) = response.into_parts();
                        this.responder.restate(this.asked, &problem, head)
                    }
                },
                Err(error) => this.responder.respond(this.asked, &*error.into()),
            },
            KindProj::SharedError(error) => this.responder.respond(this.asked, &**error),
        };
        Poll::Ready(Ok(problem.map(ProblemBody::own)))
    }
}
