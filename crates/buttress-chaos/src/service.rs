use std::fmt;
use std::marker::PhantomData;
use std::task::{Context, Poll};

use buttress_core::BoxError;
use buttress_shell::{now, relinquish};
use tower_service::Service;

use crate::injection::Injection;
use crate::protocol::{FaultTarget, InjectResponse, PlainCalls};
use crate::{Injector, ResponseFuture};

/// A service with an [`Injector`]. See the [crate docs](crate).
pub struct ChaosService<S, P = PlainCalls> {
    inner: S,
    injector: Injector,
    protocol: PhantomData<fn() -> P>,
}

impl<S, P> ChaosService<S, P> {
    pub(crate) fn new(inner: S, injector: Injector) -> Self {
        Self {
            inner,
            injector,
            protocol: PhantomData,
        }
    }

    /// Returns the injector.
    pub fn injector(&self) -> &Injector {
        &self.injector
    }

    /// Returns the inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the inner service, mutable.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner service, and drops the injector.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, P, Req> Service<Req> for ChaosService<S, P>
where
    S: Service<Req> + Clone,
    S::Error: Into<BoxError>,
    P: FaultTarget<Req> + InjectResponse<S::Response>,
{
    type Response = P::Response;
    type Error = BoxError;
    type Future = ResponseFuture<S::Future, P>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    #[inline]
    fn call(&mut self, request: Req) -> Self::Future {
        if !self.injector.shared().is_armed() {
            return ResponseFuture::untouched(self.inner.call(request));
        }
        self.call_armed(request)
    }
}

impl<S, P> ChaosService<S, P> {
    #[cold]
    fn call_armed<Req>(&mut self, request: Req) -> ResponseFuture<S::Future, P>
    where
        S: Service<Req> + Clone,
        P: FaultTarget<Req>,
    {
        let shared = self.injector.shared();
        let Some(arming) = shared.arming() else {
            return ResponseFuture::untouched(self.inner.call(request));
        };
        let now = now();
        // Decided here and not at the first poll, so that the order of polls does not matter.
        let identity = shared.identity(P::identity(&request));
        let harm = shared.decide(&arming, &P::subject(&request), identity, now);
        if harm.is_none() && arming.guard().is_none() {
            // The result is not recorded. Most calls take this path while few are affected.
            return ResponseFuture::untouched(self.inner.call(request));
        }
        let is_answered = harm.as_ref().is_some_and(|harm| harm.answer.is_some());
        let injection = Injection::new(shared, arming, harm, now);
        let inner = if is_answered {
            // The reservation of the service is released. The request is not dropped as rejected: an injected
            // response stands for one of the service, so a retry must not learn that the call was never processed.
            drop(request);
            relinquish(&mut self.inner);
            None
        } else {
            Some(self.inner.call(request))
        };
        ResponseFuture::affected(inner, injection)
    }
}

impl<S: Clone, P> Clone for ChaosService<S, P> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.injector.clone())
    }
}

impl<S: fmt::Debug, P> fmt::Debug for ChaosService<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChaosService")
            .field("inner", &self.inner)
            .field("injector", &self.injector)
            .finish()
    }
}
