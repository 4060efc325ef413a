use std::task::{Context, Poll};

use buttress_core::{BoxError, Deadline, Mode, TaskContext};
use buttress_shell::{now, random, refuse};
use tower_service::Service;

use crate::ResponseFuture;
use crate::deadline_timer::DeadlineTimer;
use crate::limits::earlier;
use crate::settings::Settings;
use crate::side::{Conclude, Kind, Local, Side};
use crate::unready::Unready;

/// A service whose calls end at their deadline. See the [crate docs](crate).
#[derive(Debug, Clone)]
pub struct DeadlineService<S, P = Local> {
    inner: S,
    side: P,
    unready: Unready,
}

impl<S, P> DeadlineService<S, P> {
    pub(crate) fn new(inner: S, side: P) -> Self {
        Self {
            inner,
            side,
            unready: Unready::default(),
        }
    }

    /// Returns the inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the inner service, mutable.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner service, without deadlines.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, P, Req> Service<Req> for DeadlineService<S, P>
where
    S: Service<Req> + Clone,
    S::Error: Into<BoxError>,
    P: Side<Req> + Conclude<S::Response>,
{
    type Response = P::Response;
    type Error = BoxError;
    type Future = ResponseFuture<S::Future, P>;

    #[inline(always)]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self.inner.poll_ready(cx) {
            Poll::Ready(Ok(())) if !self.unready.is_waiting() => Poll::Ready(Ok(())),
            Poll::Pending => self.poll_unready(cx).map(Ok),
            Poll::Ready(result) => {
                self.unready.end();
                Poll::Ready(result.map_err(Into::into))
            }
        }
    }

    // The future is several cache lines long. Inlined, it is built in place instead of being moved.
    #[inline(always)]
    fn call(&mut self, mut request: Req) -> Self::Future {
        self.side.current_mut().refresh();
        let settings: &Settings = self.side.current();
        // Before the mode: it may be off only since the wait, and the inner service is not ready.
        if self.unready.is_waiting() {
            self.refuse_unready(request);
            return ResponseFuture::rejected(self.side.current().unready());
        }
        if !settings.binds_all && settings.mode == Mode::Off {
            return ResponseFuture::called(self.inner.call(request), None, None);
        }
        let now = now();
        let mut context = TaskContext::current();
        let decided = self.side.decide(now, context.deadline(), &request);
        let draw = || self.side.identity(&request).unwrap_or_else(random);
        let binds = settings.binds_all || settings.mode.is_enforced(draw);
        let deadline = match decided {
            Ok(deadline) => deadline,
            Err(reason) => match settings.refuse(reason, binds) {
                Some(rejection) => {
                    refuse(&mut self.inner, request);
                    return ResponseFuture::rejected(rejection);
                }
                None => None,
            },
        };
        if let (Some(deadline), true) = (deadline, binds) {
            self.side.tell(now, deadline, &mut request);
            context = context.with_deadline(Some(deadline));
        }
        let watch = self.watch(now, deadline, binds);
        let future = context.enter(|| self.inner.call(request));
        ResponseFuture::called(future, Some(context), watch)
    }
}

impl<S, P: Kind> DeadlineService<S, P> {
    /// Waits for the inner service to become ready, and returns ready when the time for that has passed; the call is
    /// then rejected. There is no other way to end a wait that has no request yet.
    #[cold]
    #[inline(never)]
    fn poll_unready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.side.current_mut().refresh();
        let settings: &Settings = self.side.current();
        let until = || {
            let outer = Deadline::current().map(Deadline::moment);
            earlier(outer, now(), settings.ready_within)
        };
        if settings.binds_all {
            self.unready.poll(until, cx)
        } else {
            Poll::Pending
        }
    }

    /// Rejects a call whose deadline passed before the inner service became ready.
    #[cold]
    #[inline(never)]
    fn refuse_unready<Req>(&mut self, request: Req)
    where
        S: Clone,
    {
        self.unready.end();
        refuse(&mut self.inner, request);
    }

    /// Returns the timer of a call, if it has a deadline.
    #[inline(always)]
    fn watch(
        &self,
        now: std::time::Instant,
        deadline: Option<Deadline>,
        binds: bool,
    ) -> Option<DeadlineTimer> {
        let deadline = deadline.map(Deadline::moment);
        let settings = self.side.current();
        let head = if settings.is_limited {
            earlier(deadline, now, settings.limits.head_timeout)
        } else {
            deadline
        };
        (head.is_some() || settings.is_limited).then(|| DeadlineTimer {
            settings: settings.lease(),
            deadline,
            head,
            binds,
        })
    }
}
