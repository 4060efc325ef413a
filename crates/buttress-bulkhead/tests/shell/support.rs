use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use ::http::{Request, Response};
use buttress_bulkhead::{Bulkhead, BulkheadConfig, BulkheadLayer, BulkheadService, Order};
use buttress_core::{BoxError, Plain, Reason, Rejection};
use buttress_http::Http;
use buttress_testkit::{CallId, CountingWaker, Gate, ProbeHandle, ReadyProbe, TestBody};
use tower::{Layer, Service};

pub(crate) const MS: Duration = Duration::from_millis(1);

/// A number of slots, a queue in order of arrival, and no limit on the wait.
pub(crate) fn config(limit: u32, queue: usize) -> BulkheadConfig {
    let config = BulkheadConfig::default().limit(limit).queue(queue);
    config.order(Order::Fifo).max_wait(None)
}

pub(crate) fn request() -> Request<TestBody> {
    Request::new(TestBody::empty())
}

/// A bulkhead, its service, and a probe as the inner service: calls are in flight until they are released.
pub(crate) struct Scene<P = Plain> {
    pub(crate) bulkhead: Bulkhead,
    pub(crate) service: BulkheadService<ReadyProbe, P>,
    pub(crate) probe: ProbeHandle,
}

impl Scene {
    pub(crate) fn new(config: BulkheadConfig) -> Self {
        Self::behind(config, BulkheadLayer::new)
    }
}

impl Scene<Http> {
    pub(crate) fn http(config: BulkheadConfig) -> Self {
        Self::behind(config, BulkheadLayer::server)
    }
}

impl<P: Clone> Scene<P> {
    pub(crate) fn behind(
        config: BulkheadConfig,
        layer: impl FnOnce(&Bulkhead) -> BulkheadLayer<P>,
    ) -> Self {
        let bulkhead = Bulkhead::new("test", config);
        let (inner, probe) = ReadyProbe::new();
        probe.hold();
        Self {
            service: layer(&bulkhead).layer(inner),
            bulkhead,
            probe,
        }
    }
}

impl<P> Scene<P>
where
    BulkheadService<ReadyProbe, P>: Service<Request<TestBody>, Error = BoxError> + Clone,
{
    /// Makes a call with a clone of the service, and polls it once.
    pub(crate) fn call(&self) -> Call<BulkheadService<ReadyProbe, P>> {
        self.call_with(request())
    }

    pub(crate) fn call_with(
        &self,
        request: Request<TestBody>,
    ) -> Call<BulkheadService<ReadyProbe, P>> {
        let mut service = self.service.clone();
        let task = CountingWaker::new();
        assert!(poll_ready(&mut service, &task).is_ready());
        let mut call = Call::made(service, request, &self.probe, task);
        call.poll();
        call
    }

    /// Makes several calls.
    pub(crate) fn calls<const N: usize>(&self) -> [Call<BulkheadService<ReadyProbe, P>>; N] {
        [(); N].map(|()| self.call())
    }

    /// The calls in flight and the waiters, from the snapshot.
    pub(crate) fn counts(&self) -> (u64, usize) {
        let snapshot = self.bulkhead.snapshot();
        (snapshot.in_flight, snapshot.queued)
    }
}

/// A call, polled by hand.
pub(crate) struct Call<S: Service<Request<TestBody>>> {
    id: CallId,
    probe: ProbeHandle,
    future: Pin<Box<S::Future>>,
    pub(crate) task: CountingWaker,
    pub(crate) answer: Option<Result<S::Response, S::Error>>,
}

impl<S: Service<Request<TestBody>, Error = BoxError>> Call<S> {
    pub(crate) fn made(
        mut service: S,
        mut request: Request<TestBody>,
        probe: &ProbeHandle,
        task: CountingWaker,
    ) -> Self {
        static IDS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let id = CallId(IDS.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        request.extensions_mut().insert(id);
        Self {
            id,
            probe: probe.clone(),
            future: Box::pin(service.call(request)),
            task,
            answer: None,
        }
    }

    pub(crate) fn poll(&mut self) {
        if self.answer.is_none()
            && let Poll::Ready(answer) = self.task.poll_future(self.future.as_mut())
        {
            self.answer = Some(answer);
        }
    }

    /// Whether it has reached the inner service.
    pub(crate) fn has_begun(&self) -> bool {
        self.probe.attempts(self.id) > 0
    }

    pub(crate) fn is_inside(&self) -> bool {
        self.has_begun() && self.answer.is_none()
    }

    /// Whether it is ready after a poll, if it was woken; it is not polled otherwise.
    pub(crate) fn is_admitted(&mut self) -> bool {
        if self.task.wakes() > 0 {
            self.poll();
        }
        self.is_inside()
    }

    pub(crate) fn is_waiting(&self) -> bool {
        !self.has_begun() && self.answer.is_none()
    }

    /// The reason, if it was rejected.
    pub(crate) fn reason(&self) -> Option<Reason> {
        reason(self.answer.as_ref()?)
    }

    /// Releases it in the inner service, and returns its response.
    #[track_caller]
    pub(crate) fn finish(mut self) -> S::Response {
        self.probe.release(self.id);
        self.poll();
        let answer = self.answer.expect("the call was released");
        answer.expect("the service does not fail")
    }
}

/// The reason, if a call was rejected.
pub(crate) fn reason<T>(result: &Result<T, BoxError>) -> Option<Reason> {
    let error = result.as_ref().err()?;
    Rejection::find(&**error).map(Rejection::reason)
}

pub(crate) fn poll_ready<S>(service: &mut S, task: &CountingWaker) -> Poll<Result<(), S::Error>>
where
    S: Service<Request<TestBody>>,
{
    task.poll(|cx| service.poll_ready(cx))
}

/// Advances the clock. Timers are at most a millisecond late.
pub(crate) async fn pass(time: Duration) {
    tokio::time::advance(time).await;
}

/// A body that has started, and ends when the gate is opened.
pub(crate) fn gated(gate: &Gate) -> Response<TestBody> {
    Response::new(TestBody::empty().data("one").wait(gate).data("two"))
}
