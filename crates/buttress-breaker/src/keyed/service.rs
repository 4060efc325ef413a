use std::borrow::Cow;
use std::task::{Context, Poll};

use buttress_core::{BoxError, Identify, Protocol, Scope};
use buttress_shell::now;
use tower_service::Service;

use super::{Breakers, ByKey};
use crate::shared::admit;
use crate::{BreakerGuard, ResponseFuture};

/// A service with a breaker for each key. See [`KeyedBreakerLayer`](crate::KeyedBreakerLayer).
///
/// It is ready when the inner service is, because the key is known only in `call`.
#[derive(Debug, Clone)]
pub struct KeyedBreakerService<S, K> {
    inner: S,
    breakers: Breakers,
    by_key: K,
}

impl<S, K> KeyedBreakerService<S, K> {
    pub(super) fn new(inner: S, breakers: Breakers, by_key: K) -> Self {
        Self {
            inner,
            breakers,
            by_key,
        }
    }

    /// Returns the breakers.
    pub fn breakers(&self) -> &Breakers {
        &self.breakers
    }

    /// Returns the inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the inner service, mutable.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner service, and drops the breakers.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, F, P, Req> Service<Req> for KeyedBreakerService<S, ByKey<F, P>>
where
    S: Service<Req> + Clone,
    S::Error: Into<BoxError>,
    F: Fn(&Req) -> Cow<'_, str>,
    P: Protocol<S::Response> + Identify<Req>,
{
    type Response = P::Response<BreakerGuard>;
    type Error = BoxError;
    type Future = ResponseFuture<S::Future, P>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let breaker = self.breakers.get(&(self.by_key.key)(&request));
        let protocol = &self.by_key.protocol;
        let now = now();
        let admission = admit(breaker.shared(), now, || protocol.identity(&request));
        // A rejection for one key does not affect the others.
        let admission =
            admission.map_err(|rejection| BoxError::from(rejection.with_scope(Scope::Tenant)));
        ResponseFuture::of(admission, &mut self.inner, request, protocol, now)
    }
}
