use std::task::{Context, Poll, ready};
use std::time::Instant;

use buttress_core::{BoxError, Identify, Plain, Protocol, WhenSaturated};
use buttress_shell::now;
use tower_service::Service;

use crate::readiness::Readiness;
use crate::shared::admit;
use crate::{Breaker, BreakerGuard, BreakerLayer, ResponseFuture};

/// A service with a [`Breaker`]. See the [crate docs](crate).
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

    /// Returns the breaker.
    pub fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    /// Returns the inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the inner service, mutable.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Reads outcomes as `layer` does, for calls from now on.
    pub fn adopt(&mut self, layer: &BreakerLayer<P>)
    where
        P: Clone,
    {
        self.protocol = layer.protocol().clone();
    }

    /// Returns the inner service, and drops the breaker.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, P, Req> Service<Req> for BreakerService<S, P>
where
    S: Service<Req> + Clone,
    S::Error: Into<BoxError>,
    P: Protocol<S::Response> + Identify<Req>,
{
    type Response = P::Response<BreakerGuard>;
    type Error = BoxError;
    type Future = ResponseFuture<S::Future, P>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        ready!(self.readiness.poll(self.breaker.shared(), cx));
        let polled = self.inner.poll_ready(cx);
        if !matches!(polled, Poll::Ready(Ok(()))) {
            // Another clone's inner service may be ready and can use the probe slot.
            self.readiness.release();
        }
        polled.map_err(Into::into)
    }

    // Inlined, so that the future is built in place and not moved. The rare paths do not return one for the same
    // reason.
    #[inline(always)]
    fn call(&mut self, request: Req) -> Self::Future {
        let now = now();
        let shared = self.breaker.shared();
        let admission = if self.readiness.has_reserved() {
            self.admit_reserved(&request, now)
        } else {
            match shared.circuit().admit_at_once(now) {
                Some(permit) => Ok(BreakerGuard::new(shared.lease(), permit)),
                None => self.admit_slowly(&request, now),
            }
        };
        ResponseFuture::of(admission, &mut self.inner, request, &self.protocol, now)
    }
}

impl<S, P> BreakerService<S, P> {
    /// Admits a call with its reserved slot, unless the slot has expired.
    #[cold]
    #[inline(never)]
    fn admit_reserved<Req>(&mut self, request: &Req, now: Instant) -> Result<BreakerGuard, BoxError>
    where
        P: Identify<Req>,
    {
        match self.readiness.take() {
            Some(guard) => Ok(guard),
            None => self.admit_slowly(request, now),
        }
    }

    /// Admits or rejects a call if the circuit is not closed or a mode applies.
    #[inline(never)]
    fn admit_slowly<Req>(&self, request: &Req, now: Instant) -> Result<BreakerGuard, BoxError>
    where
        P: Identify<Req>,
    {
        let shared = self.breaker.shared();
        admit(shared, now, || self.protocol.identity(request)).map_err(Into::into)
    }
}
