use std::pin::Pin;
use std::task::Poll;

use ::http::Response;
use buttress_breaker::BreakerService;
use buttress_core::BoxError;
use buttress_testkit::{CountingWaker, ReadyProbe, TestBody};
use tower::Service;

use crate::support::{poll_ready, request};

/// A clone, and the task that waits for it.
pub(crate) struct Waiter {
    service: BreakerService<ReadyProbe>,
    pub(crate) task: CountingWaker,
}

type Answer = Result<Response<TestBody>, BoxError>;

impl Waiter {
    /// Polls again whether it is ready.
    pub(crate) fn is_ready(&mut self) -> bool {
        let ready = poll_ready(&mut self.service, &self.task);
        matches!(ready, Poll::Ready(Ok(())))
    }

    pub(crate) fn call(&mut self) -> Pin<Box<dyn Future<Output = Answer>>> {
        Box::pin(self.service.call(request()))
    }
}

/// Creates waiters that have not polled yet.
pub(crate) fn waiters<const N: usize>(service: &BreakerService<ReadyProbe>) -> [Waiter; N] {
    [(); N].map(|()| Waiter {
        service: service.clone(),
        task: CountingWaker::new(),
    })
}

/// Polls each of them, and returns how many are ready.
pub(crate) fn ready_among(waiters: &mut [Waiter]) -> usize {
    let ready = waiters.iter_mut().map(Waiter::is_ready);
    ready.filter(|ready| *ready).count()
}
