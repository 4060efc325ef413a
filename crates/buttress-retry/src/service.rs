use std::task::{Context, Poll};

use buttress_core::{BoxError, Identify, Mode, Plain};
use buttress_shell::{now, random};
use tower_service::Service;

use crate::call::{Binding, Call};
use crate::repeat::{Judge, Repeat};
use crate::shared::CallGuard;
use crate::{ResponseFuture, Retry};

/// A service with a [`Retry`]. See the [crate docs](crate).
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

    /// Returns the retry.
    pub fn retry(&self) -> &Retry {
        &self.retry
    }

    /// Returns the inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the inner service, mutable.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner service, and drops the retry.
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

    // The future is several cache lines long. Inlined, it is built in place instead of being moved.
    #[inline(always)]
    fn call(&mut self, request: Req) -> Self::Future {
        let shared = self.retry.shared();
        let binding = if shared.settings().is_plain() {
            Some(Binding {
                binds: true,
                due: None,
            })
        } else {
            self.read_settings(&request)
        };
        let (request, call) = match binding {
            Some(binding) => {
                // The instance that became ready makes the first attempt, and a clone the others.
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
    /// Reads mode and timeout; `None` if the retry is off.
    #[cold]
    #[inline(never)]
    fn read_settings<Req>(&self, request: &Req) -> Option<Binding>
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
