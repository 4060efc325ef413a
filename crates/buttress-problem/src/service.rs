use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::task::{Context, Poll};

use buttress_core::BoxError;
use http::{Request, Response};
use tower_service::Service;

use crate::asked::RequestFormat;
use crate::responder::Responder;
use crate::{ProblemBody, Problems, ResponseFuture};

/// Turns the error of a failed call into a problem response. See the [module docs](crate).
#[derive(Debug)]
pub struct ProblemService<S> {
    inner: S,
    problems: Problems,
    /// What the last call read from `problems`.
    responder: Arc<Responder>,
    /// The error of `poll_ready`, which is the response to every later call: by Tower's contract the inner service
    /// must not be polled again.
    ready_error: Option<SharedError>,
}

/// An error that several calls share.
pub(crate) type SharedError = Arc<dyn Error + Send + Sync>;

impl<S> ProblemService<S> {
    pub(crate) fn new(inner: S, problems: Problems) -> Self {
        Self {
            inner,
            responder: problems.responder(),
            problems,
            ready_error: None,
        }
    }

    /// Returns the problems.
    pub fn problems(&self) -> &Problems {
        &self.problems
    }

    /// Returns the inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the inner service, mutable.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner service, with its own errors.
    pub fn into_inner(self) -> S {
        self.inner
    }

    /// Reads the configuration again.
    #[cold]
    #[inline(never)]
    fn read(&mut self) {
        self.responder = self.problems.responder();
    }
}

impl<S: Clone> Clone for ProblemService<S> {
    fn clone(&self) -> Self {
        // Readiness is not cloned, and neither is its error: the clone polls its own inner service.
        Self {
            inner: self.inner.clone(),
            problems: self.problems.clone(),
            responder: Arc::clone(&self.responder),
            ready_error: None,
        }
    }
}

impl<S, ReqB, ResB> Service<Request<ReqB>> for ProblemService<S>
where
    S: Service<Request<ReqB>, Response = Response<ResB>>,
    S::Error: Into<BoxError>,
{
    type Response = Response<ProblemBody<ResB>>;
    type Error = Infallible;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if self.ready_error.is_some() {
            return Poll::Ready(Ok(()));
        }
        self.inner.poll_ready(cx).map(|ready| {
            self.ready_error = ready.err().map(|error| SharedError::from(error.into()));
            Ok(())
        })
    }

    fn call(&mut self, request: Request<ReqB>) -> Self::Future {
        if self.responder.is_replaced() {
            self.read();
        }
        let asked = RequestFormat::by(&request, &self.responder.config);
        let responder = Arc::clone(&self.responder);
        match &self.ready_error {
            Some(error) => ResponseFuture::ready_error(Arc::clone(error), responder, asked),
            None => ResponseFuture::inner(self.inner.call(request), responder, asked),
        }
    }
}
