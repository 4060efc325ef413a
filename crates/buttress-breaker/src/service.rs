use std::task::{Context, Poll, ready};

use buttress_core::{BoxError, Plain, Protocol};
use tower_service::Service;

use crate::future::call_through;
use crate::layer::WhenSaturated;
use crate::readiness::Readiness;
use crate::shared::admit;
use crate::{Breaker, ResponseFuture};

/// A service behind a [`Breaker`]. See the [crate docs](crate).
#[derive(Debug, Clone)]
pub struct BreakerService<S, P = Plain> {
    inner: S,
    breaker: Breaker,
    protocol: P,
    readiness: Readiness,
}

impl<S, P> BreakerService<S, P> {
    pub(crate) fn new(inner: S, breaker: Breaker, protocol: P, when: WhenSaturated) -> Self {
        Self {
            inner,
            breaker,
            protocol,
            readiness: Readiness::new(when),
        }
    }

    /// The breaker in front.
    pub fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    /// The service behind.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service behind, to change.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The service behind, without the breaker.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, P, Req> Service<Req> for BreakerService<S, P>
where
    S: Service<Req>,
    S::Error: Into<BoxError>,
    P: Protocol<S::Response>,
{
    type Response = P::Response<crate::BreakerGuard>;
    type Error = BoxError;
    type Future = ResponseFuture<S::Future, P>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        ready!(self.readiness.poll(self.breaker.shared(), cx));
        let polled = self.inner.poll_ready(cx);
        if !matches!(polled, Poll::Ready(Ok(()))) {
            // A probe slot is for those who can use it: another clone's inner service may be ready.
            self.readiness.release();
        }
        polled.map_err(Into::into)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let admission = match self.readiness.take() {
            Some(guard) => Ok(guard),
            None => admit(self.breaker.shared()),
        };
        call_through(&mut self.inner, request, admission, &self.protocol)
    }
}
