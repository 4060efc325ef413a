use std::task::{Context, Poll};

use buttress_core::{BoxError, Identify, Mode, Plain};
use buttress_shell::{now, random};
use tower_service::Service;

use crate::call::{Binding, Call};
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

    /// The inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service, to change.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The inner service, without the retry.
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

    // The future is a few cache lines long: inlined, it is made where it stays instead of being moved there.
    #[inline(always)]
    fn call(&mut self, request: Req) -> Self::Future {
        let shared = self.retry.shared();
        let binding = if shared.settings().is_plain() {
            Some(Binding {
                binds: true,
                due: None,
            })
        } else {
            self.consider(&request)
        };
        let (request, call) = match binding {
            Some(binding) => {
                // The instance that became ready makes the first attempt, a clone of it the others.
                let service = self.inner.clone();
                let (request, call) =
                    Call::begin(shared, binding, service, request, &self.protocol);
                (request, Some(call))
            }
            None => (request, None),
        };
        let attempt = self.inner.call(request);
        ResponseFuture::new(attempt, self.protocol.clone(), call)
    }
}

impl<S, P> RetryService<S, P> {
    /// Considers mode and timeout; `None` if the retry is off.
    #[cold]
    #[inline(never)]
    fn consider<Req>(&self, request: &Req) -> Option<Binding>
    where
        P: Identify<Req>,
    {
        let settings = self.retry.shared().settings();
        let mode = settings.mode();
        if mode == Mode::Off {
            return None;
        }
        let binds = mode.is_enforced(|| self.protocol.identity(request).unwrap_or_else(random));
        Some(Binding {
            binds,
            due: binds.then(now).and_then(|now| settings.due(now)),
        })
    }
}
