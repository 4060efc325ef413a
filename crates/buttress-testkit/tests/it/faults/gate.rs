//! A limit that reserves in `poll_ready`, and the ways to get its counting wrong.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use buttress_testkit::{LayerUnderTest, ReadyProbe, TestBody, TestError};
use http::{Request, Response};
use tower::Service;
use tower_layer::Layer;

use crate::faults::queue::{Place, Queue, Wait};

/// Where a gate counts wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counting {
    /// Takes a slot with each poll of readiness.
    EachPoll,
    /// Keeps the slot of a ready clone that is dropped.
    NeverReturned,
    /// Lets a call through that did not ask for readiness.
    OnlyInReadiness,
    /// Nowhere.
    Right,
}

/// A specimen of a gate over `queue`.
pub(crate) fn gate(queue: Arc<Queue>, counting: Counting) -> LayerUnderTest {
    LayerUnderTest::new(gate_layer(queue, counting))
}

/// A gate over `queue`.
pub(crate) fn gate_layer(queue: Arc<Queue>, counting: Counting) -> GateLayer {
    GateLayer { queue, counting }
}

pub(crate) struct GateLayer {
    queue: Arc<Queue>,
    counting: Counting,
}

impl Layer<ReadyProbe> for GateLayer {
    type Service = Gate;

    fn layer(&self, inner: ReadyProbe) -> Gate {
        Gate {
            inner,
            wait: self.queue.wait_in_readiness(),
            queue: Arc::clone(&self.queue),
            places: Vec::new(),
            counting: self.counting,
        }
    }
}

pub(crate) struct Gate {
    inner: ReadyProbe,
    queue: Arc<Queue>,
    wait: Wait,
    places: Vec<Place>,
    counting: Counting,
}

impl Clone for Gate {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            wait: self.queue.wait_in_readiness(),
            queue: Arc::clone(&self.queue),
            places: Vec::new(),
            counting: self.counting,
        }
    }
}

impl Service<Request<TestBody>> for Gate {
    type Response = Response<TestBody>;
    type Error = TestError;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Response<TestBody>, TestError>>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TestError>> {
        ready!(Service::<Request<TestBody>>::poll_ready(
            &mut self.inner,
            cx
        ))?;
        if self.places.is_empty() || self.counting == Counting::EachPoll {
            let place = ready!(self.wait.poll(cx));
            self.places.push(place);
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<TestBody>) -> Self::Future {
        let places = std::mem::take(&mut self.places);
        assert!(
            !places.is_empty() || self.counting == Counting::OnlyInReadiness,
            "called unready"
        );
        let future = self.inner.call(request);
        Box::pin(async move {
            let result = future.await;
            drop(places);
            result
        })
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if self.counting == Counting::NeverReturned {
            self.places.drain(..).for_each(std::mem::forget);
        }
    }
}
