//! The strict inner service: it panics on an unready call and records all polls and calls.

mod future;
mod handle;
mod shared;

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

pub use self::future::ProbeFuture;
pub use self::handle::{CallId, ProbeHandle};
use self::shared::{Readiness, Shared};
use crate::{Presence, TestBody, TestError};

/// An inner service that enforces Tower's contract: before each call of an instance, that same instance must be polled
/// ready.
///
/// Each clone has its own number; the first is 0. A call of an instance that did not become ready itself panics, as
/// Tower allows. The [`ProbeHandle`] that comes with the probe controls its responses and its readiness, and reads what
/// it recorded.
///
/// ```
/// use buttress_testkit::{CountingWaker, ReadyProbe, TestBody};
/// use tower_service::Service;
///
/// let (mut service, probe) = ReadyProbe::new();
/// let task = CountingWaker::new();
/// assert!(task.poll(|cx| Service::<http::Request<TestBody>>::poll_ready(&mut service, cx)).is_ready());
///
/// let mut future = Box::pin(service.call(http::Request::new(TestBody::empty())));
/// assert_eq!(probe.in_flight(), 1);
/// assert!(task.poll_future(future.as_mut()).is_ready());
/// assert_eq!((probe.calls(), probe.in_flight()), (1, 0));
/// ```
#[derive(Debug)]
pub struct ReadyProbe {
    shared: Arc<Shared>,
    instance: usize,
    ready: bool,
    _alive: Presence,
}

impl ReadyProbe {
    /// Creates a probe that is ready and responds to every call immediately with an empty `200`, and its handle.
    #[must_use]
    pub fn new() -> (Self, ProbeHandle) {
        let shared = Arc::new(Shared::default());
        (
            Self::instance(&shared),
            ProbeHandle::new(Arc::clone(&shared)),
        )
    }

    fn instance(shared: &Arc<Shared>) -> Self {
        Self {
            instance: shared.instances.total(),
            ready: false,
            _alive: shared.instances.enter(),
            shared: Arc::clone(shared),
        }
    }
}

impl Clone for ReadyProbe {
    fn clone(&self) -> Self {
        Self::instance(&self.shared)
    }
}

impl Drop for ReadyProbe {
    fn drop(&mut self) {
        if self.ready {
            self.shared.log().release();
        }
    }
}

impl<B> Service<Request<B>> for ReadyProbe {
    type Response = Response<TestBody>;
    type Error = TestError;
    type Future = ProbeFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TestError>> {
        let mut log = self.shared.log();
        log.readiness_polls += 1;
        if self.ready {
            return Poll::Ready(Ok(()));
        }
        match log.readiness_of(self.instance) {
            Readiness::Err(error) => Poll::Ready(Err(error)),
            Readiness::Panic => {
                drop(log);
                crate::sync::scripted_panic("scripted panic in poll_ready")
            }
            Readiness::Pending => {
                log.wait_for_readiness(self.instance, cx.waker());
                Poll::Pending
            }
            Readiness::Ready => {
                log.reserve(self.instance);
                self.ready = true;
                Poll::Ready(Ok(()))
            }
        }
    }

    fn call(&mut self, request: Request<B>) -> ProbeFuture {
        if std::mem::take(&mut self.ready) {
            self.shared.log().release();
        } else {
            let strict = self.shared.log().unready_call();
            assert!(
                !strict,
                "instance {} was called, but did not become ready before",
                self.instance
            );
        }
        let id = request.extensions().get().copied();
        let (gate, script, polls) = self.shared.log().begin(self.instance, id);
        let in_flight = self.shared.in_flight.enter();
        let bodies = self.shared.bodies.clone();
        ProbeFuture::new(gate, script.begin(), in_flight, bodies, polls)
    }
}
