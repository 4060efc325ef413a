use std::task::{Context, Poll};

use buttress_core::shed::Call;
use buttress_core::{BoxError, Plain, Protocol, TaskContext};
use buttress_shell::{CallContext, now, random};
use tower_service::Service;

use crate::shared::{SharedLease, admit};
use crate::side::Side;
use crate::{ResponseFuture, ShedGuard, ShedLayer, Shedder};

/// A service with a [`Shedder`]. See the [crate docs](crate).
#[derive(Debug, Clone)]
pub struct ShedService<S, P = Plain> {
    inner: S,
    shedder: Shedder,
    side: P,
}

impl<S, P> ShedService<S, P> {
    pub(crate) fn new(inner: S, shedder: Shedder, side: P) -> Self {
        Self {
            inner,
            shedder,
            side,
        }
    }

    /// Returns the shedder.
    pub fn shedder(&self) -> &Shedder {
        &self.shedder
    }

    /// Returns the inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the inner service, mutable.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Reads requests as `layer` does, for calls from now on.
    pub fn adopt(&mut self, layer: &ShedLayer<P>)
    where
        P: Clone,
    {
        let (shedder, side) = layer.parts();
        self.shedder = shedder.clone();
        self.side = side.clone();
    }

    /// Returns the inner service, and drops the shedder.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, P, Req> Service<Req> for ShedService<S, P>
where
    S: Service<Req> + Clone,
    S::Error: Into<BoxError>,
    P: Side<Req>,
    P::Protocol: Protocol<S::Response>,
{
    type Response = <P::Protocol as Protocol<S::Response>>::Response<ShedGuard>;
    type Error = BoxError;
    type Future = ResponseFuture<S, Req, P::Protocol>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    #[inline]
    fn call(&mut self, mut request: Req) -> Self::Future {
        self.side.tell(&mut request);
        let lease = self.shedder.shared().lease();
        let sampled = lease.rule().samples(lease.local());
        if !sampled && let Some(permit) = lease.rule().try_admit(lease.local()) {
            let guard = ShedGuard::new(lease, permit);
            let context = self.context(&request);
            return ResponseFuture::admitted(&mut self.inner, request, guard, context);
        }
        self.call_slow(request, lease, sampled)
    }
}

impl<S, P> ShedService<S, P> {
    #[inline]
    fn context<Req>(&self, request: &Req) -> CallContext<P::Protocol, Option<TaskContext>>
    where
        P: Side<Req>,
    {
        CallContext {
            protocol: self.side.protocol().clone(),
            task: self.side.context(request),
        }
    }

    /// The slow path: makes a call that is sampled, for which there is no free slot, or to which other rules apply.
    #[cold]
    #[inline(never)]
    fn call_slow<Req>(
        &mut self,
        request: Req,
        lease: SharedLease,
        sampled: bool,
    ) -> ResponseFuture<S, Req, P::Protocol>
    where
        S: Service<Req> + Clone,
        S::Error: Into<BoxError>,
        P: Side<Req>,
        P::Protocol: Protocol<S::Response>,
    {
        let context = self.context(&request);
        let call = Call {
            criticality: self.side.criticality(&request),
            deadline: self.side.deadline(&request),
            caller_deadline: self.side.caller_deadline(&request, now()),
            tenant: lease.rule().tenant(|| self.side.tenant(&request)),
            sampled,
        };
        let draw = || self.side.identity(&request).unwrap_or_else(random);
        let upload = || self.side.upload(&request, now());
        let decision = admit(lease, call, draw, upload);
        ResponseFuture::decided(decision, &mut self.inner, request, context)
    }
}
