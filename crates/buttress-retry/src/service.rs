use std::task::{Context, Poll};

use buttress_core::{BoxError, Mode, Plain};
use tower_service::Service;

use crate::call::Call;
use crate::repeat::{Judge, Repeat};
use crate::shared::CallGuard;
use crate::{ResponseFuture, Retry};

/// A service behind a [`Retry`]. See the [crate docs](crate).
#[derive(Debug, Clone)]
pub struct RetryService<S, P = Plain> {
    inner: S,
    retry: Retry,
    protocol: P,
}

impl<S, P> RetryService<S, P> {
    pub(crate) fn new(inner: S, retry: Retry, protocol: P) -> Self {
        Self {
            inner,
            retry,
            protocol,
        }
    }

    /// The retry in front.
    pub fn retry(&self) -> &Retry {
        &self.retry
    }

    /// The service behind.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service behind, to change.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The service behind, without the retry.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, P, Req> Service<Req> for RetryService<S, P>
where
    S: Service<Req> + Clone,
    S::Error: Into<BoxError>,
    P: Repeat<Req> + Judge<S::Response>,
{
    type Response = P::Response<CallGuard>;
    type Error = BoxError;
    type Future = ResponseFuture<S, Req, P>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let shared = self.retry.shared();
        let mode = shared.settings().mode();
        if mode == Mode::Off {
            let future = self.inner.call(request);
            return ResponseFuture::new(future, None, self.protocol.clone(), None);
        }
        // The instance that became ready makes the first attempt, a clone of it the others.
        let service = self.inner.clone();
        let (request, call) = Call::begin(shared, mode, service, request, &self.protocol);
        let timeout = call.attempt_timeout();
        let future = self.inner.call(request);
        ResponseFuture::new(future, timeout, self.protocol.clone(), Some(call))
    }
}
