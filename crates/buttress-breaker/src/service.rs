use std::task::{Context, Poll, ready};
use std::time::Instant;

use buttress_core::{BoxError, Identify, Plain, Protocol};
use tower_service::Service;

use crate::breaker::now;
use crate::layer::WhenSaturated;
use crate::readiness::Readiness;
use crate::shared::{SharedLease, admit};
use crate::{Breaker, BreakerGuard, ResponseFuture};

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
    P: Protocol<S::Response> + Identify<Req>,
{
    type Response = P::Response<BreakerGuard>;
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

    #[inline]
    fn call(&mut self, request: Req) -> Self::Future {
        if self.readiness.has_reserved() {
            return self.call_reserved(request);
        }
        let lease = self.breaker.shared().lease();
        let now = now();
        match lease.circuit().admit_at_once(now) {
            Some(permit) => {
                let guard = BreakerGuard::new(lease, permit);
                ResponseFuture::admitted(&mut self.inner, request, guard, &self.protocol)
            }
            None => self.call_slowly(request, lease, now),
        }
    }
}

impl<S, P> BreakerService<S, P> {
    /// Makes a call that has a slot already, unless that has lapsed.
    #[cold]
    fn call_reserved<Req>(&mut self, request: Req) -> ResponseFuture<S::Future, P>
    where
        S: Service<Req>,
        P: Protocol<S::Response> + Identify<Req>,
    {
        match self.readiness.take() {
            Some(guard) => {
                ResponseFuture::admitted(&mut self.inner, request, guard, &self.protocol)
            }
            None => self.call_slowly(request, self.breaker.shared().lease(), now()),
        }
    }

    /// Makes a call where the circuit is other than simply closed, or answers in its place.
    #[inline(never)]
    fn call_slowly<Req>(
        &mut self,
        request: Req,
        lease: SharedLease,
        now: Instant,
    ) -> ResponseFuture<S::Future, P>
    where
        S: Service<Req>,
        P: Protocol<S::Response> + Identify<Req>,
    {
        let admission = admit(lease, now, || self.protocol.identity(&request));
        ResponseFuture::of(admission, &mut self.inner, request, &self.protocol)
    }
}
