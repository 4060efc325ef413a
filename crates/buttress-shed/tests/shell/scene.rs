use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use ::http::Request;
use buttress_core::{BoxError, Plain, Reason, Rejection};
use buttress_shed::{Order, Server, ShedConfig, ShedLayer, ShedService, Shedder, Side};
use buttress_testkit::{CallId, CountingWaker, ProbeHandle, ReadyProbe, TestBody};
use tower::{Layer, Service};

use crate::support::request;

pub(crate) const MS: Duration = Duration::from_millis(1);

/// A number of slots, a queue in order of arrival, and no limit on the wait.
pub(crate) fn config(limit: u32, queue: usize) -> ShedConfig {
    let config = ShedConfig::default().limit(limit).queue(queue);
    config.order(Order::Fifo).max_wait(None)
}

/// A shedder, its service, and a probe as the inner service: calls are in flight until they are released.
pub(crate) struct Scene<P = Server> {
    pub(crate) shedder: Shedder,
    pub(crate) service: ShedService<ReadyProbe, P>,
    pub(crate) probe: ProbeHandle,
}

impl Scene {
    pub(crate) fn new(config: ShedConfig) -> Self {
        Self::behind(config, ShedLayer::server)
    }
}

impl Scene<Plain> {
    pub(crate) fn plain(config: ShedConfig) -> Self {
        Self::behind(config, ShedLayer::new)
    }
}

impl<P: Clone> Scene<P> {
    pub(crate) fn behind(config: ShedConfig, layer: impl FnOnce(&Shedder) -> ShedLayer<P>) -> Self {
        let shedder = Shedder::new("test", config);
        let (inner, probe) = ReadyProbe::new();
        probe.hold();
        Self {
            service: layer(&shedder).layer(inner),
            shedder,
            probe,
        }
    }
}

impl<P> Scene<P>
where
    P: Side<Request<TestBody>> + Clone,
    ShedService<ReadyProbe, P>: Service<Request<TestBody>, Error = BoxError>,
{
    /// Makes a call with a clone of the service, and polls it once.
    pub(crate) fn call(&self) -> Call<ShedService<ReadyProbe, P>> {
        self.call_with(request())
    }

    pub(crate) fn call_with(
        &self,
        mut request: Request<TestBody>,
    ) -> Call<ShedService<ReadyProbe, P>> {
        static IDS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let id = CallId(IDS.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        request.extensions_mut().insert(id);
        let mut service = self.service.clone();
        let task = CountingWaker::new();
        assert!(poll_ready(&mut service, &task).is_ready());
        let mut call = Call {
            id,
            probe: self.probe.clone(),
            future: Box::pin(service.call(request)),
            task,
            answer: None,
        };
        call.poll();
        call
    }

    /// Makes several calls.
    pub(crate) fn calls<const N: usize>(&self) -> [Call<ShedService<ReadyProbe, P>>; N] {
        [(); N].map(|()| self.call())
    }

    /// The calls in flight and the waiters, from the snapshot.
    pub(crate) fn counts(&self) -> (u64, usize) {
        let snapshot = self.shedder.snapshot();
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

    pub(crate) fn rejection(&self) -> Option<&Rejection> {
        let error = self.answer.as_ref()?.as_ref().err()?;
        Rejection::find(&**error)
    }

    /// The reason, if it was rejected.
    pub(crate) fn reason(&self) -> Option<Reason> {
        self.rejection().map(Rejection::reason)
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
