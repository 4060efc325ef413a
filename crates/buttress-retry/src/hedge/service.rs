use std::task::{Context, Poll};

use buttress_core::{BoxError, Deadline, Mode, Plain};
use buttress_shell::{Timer, now, random};
use tower_service::Service;

use super::attempt::HedgeAttempt;
use super::future::Watch;
use super::{Hedge, HedgeFuture};
use crate::repeat::{Judge, Repeat};

/// A service with a [`Hedge`].
#[derive(Debug, Clone)]
pub struct HedgeService<S, P = Plain> {
    inner: S,
    hedge: Hedge,
    protocol: P,
}

impl<S, P> HedgeService<S, P> {
    pub(super) fn new(inner: S, hedge: Hedge, protocol: P) -> Self {
        Self {
            inner,
            hedge,
            protocol,
        }
    }

    /// Returns the hedge.
    pub fn hedge(&self) -> &Hedge {
        &self.hedge
    }

    /// Returns the inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the inner service, mutable.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner service, and drops the hedge.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, P, Req> Service<Req> for HedgeService<S, P>
where
    S: Service<Req> + Clone,
    S::Error: Into<BoxError>,
    P: Repeat<Req> + Judge<S::Response>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = HedgeFuture<S, Req, P>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let shared = self.hedge.shared.lease();
        let mode = shared.share.mode();
        if mode == Mode::Off {
            let first = self.inner.call(request);
            return HedgeFuture::new(first, self.protocol.clone(), None, None, None);
        }
        let started = now();
        let upload = self.protocol.upload(&request, started);
        let delay = shared.delay.delay(started).filter(|_| {
            // Without timers, the delay cannot be measured.
            self.protocol.is_safe_at_once(&request) && Timer::at(started).is_some()
        });
        let Some(delay) = delay else {
            let first = self.inner.call(request);
            let watch = Some(Watch {
                shared,
                started,
                upload,
            });
            return HedgeFuture::new(first, self.protocol.clone(), watch, None, None);
        };
        let binds = mode.is_enforced(|| self.protocol.identity(&request).unwrap_or_else(random));
        let deadline = Deadline::earlier(Deadline::current(), self.protocol.deadline(&request));
        let may_collide = !self.protocol.is_read_only(&request);
        let (request, saved) = self.protocol.keep(request, shared.replay_limit());
        let second = saved.ok().map(|saved| HedgeAttempt {
            service: self.inner.clone(),
            saved,
            binds,
            may_collide,
            delay,
            deadline,
            payment: None,
        });
        let first = self.inner.call(request);
        let watch = Some(Watch {
            shared,
            started,
            upload,
        });
        HedgeFuture::new(first, self.protocol.clone(), watch, second, Some(delay))
    }
}
