use std::task::{Context, Poll, ready};

use buttress_core::queue::WaitParams;
use buttress_core::{BoxError, Criticality, Deadline, Identify, Plain, Protocol, WhenSaturated};
use buttress_shell::{CallContext, random};
use tower_service::Service;

use crate::readiness::Readiness;
use crate::shared::{admit, try_admit};
use crate::{Bulkhead, BulkheadGuard, BulkheadLayer, ResponseFuture};

/// A service with a [`Bulkhead`]. See the [crate docs](crate).
#[derive(Debug, Clone)]
pub struct BulkheadService<S, P = Plain> {
    inner: S,
    bulkhead: Bulkhead,
    protocol: P,
    readiness: Readiness,
}

impl<S, P> BulkheadService<S, P> {
    pub(crate) fn new(inner: S, bulkhead: Bulkhead, protocol: P, when: WhenSaturated) -> Self {
        Self {
            inner,
            bulkhead,
            protocol,
            readiness: Readiness::new(when),
        }
    }

    /// Returns the bulkhead.
    pub fn bulkhead(&self) -> &Bulkhead {
        &self.bulkhead
    }

    /// Returns the inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the inner service, mutable.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Uses the configuration of `layer`, for calls from now on.
    pub fn adopt(&mut self, layer: &BulkheadLayer<P>)
    where
        P: Clone,
    {
        let (bulkhead, protocol) = layer.parts();
        self.bulkhead = bulkhead.clone();
        self.protocol = protocol.clone();
    }

    /// Returns the inner service, and drops the bulkhead.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, P, Req> Service<Req> for BulkheadService<S, P>
where
    S: Service<Req> + Clone,
    S::Error: Into<BoxError>,
    P: Protocol<S::Response> + Identify<Req>,
{
    type Response = P::Response<BulkheadGuard>;
    type Error = BoxError;
    type Future = ResponseFuture<S, Req, P>;

    #[inline(always)]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        ready!(self.readiness.poll(self.bulkhead.shared(), cx));
        let polled = self.inner.poll_ready(cx);
        if !matches!(polled, Poll::Ready(Ok(()))) {
            // Another clone's inner service may be ready and can use the slot.
            self.readiness.release();
        }
        polled.map_err(Into::into)
    }

    #[inline(always)]
    fn call(&mut self, mut request: Req) -> Self::Future {
        let mut protocol = self.protocol.clone();
        protocol.prepare(&mut request);
        if !self.readiness.has_slot()
            && let Some(guard) = try_admit(self.bulkhead.shared())
        {
            let context = CallContext { protocol, task: () };
            return ResponseFuture::admitted(&mut self.inner, request, guard, context);
        }
        self.call_slow(request, protocol)
    }
}

impl<S, P> BulkheadService<S, P> {
    /// Makes a call with a reserved slot, or one for which the fast path found no slot.
    #[cold]
    #[inline(never)]
    fn call_slow<Req>(&mut self, request: Req, protocol: P) -> ResponseFuture<S, Req, P>
    where
        S: Service<Req> + Clone,
        S::Error: Into<BoxError>,
        P: Protocol<S::Response> + Identify<Req>,
    {
        if let Some(guard) = self.readiness.take() {
            let context = CallContext { protocol, task: () };
            return ResponseFuture::admitted(&mut self.inner, request, guard, context);
        }
        let draw = || protocol.identity(&request).unwrap_or_else(random);
        let terms = || WaitParams {
            criticality: Criticality::current()
                .or_else(|| protocol.criticality(&request))
                .unwrap_or_default(),
            deadline: Deadline::earlier(Deadline::current(), protocol.deadline(&request)),
        };
        let decision = admit(
            self.bulkhead.shared(),
            || protocol.key(&request),
            draw,
            terms,
        );
        let context = CallContext { protocol, task: () };
        ResponseFuture::decided(decision, &mut self.inner, request, context)
    }
}
