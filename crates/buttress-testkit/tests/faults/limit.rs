//! A limit of calls in flight that admits in `call`, and the ways to get one wrong around its
//! queue.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use buttress_testkit::{ProbeFuture, ReadyProbe, Specimen, TestBody, TestError};
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use tower::Service;
use tower_layer::layer_fn;

use crate::queue::{Place, Queue, Wait};

/// How a limit behaves.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Manner {
    /// Refuses at once when full, instead of letting callers wait.
    pub(crate) refuses: bool,
    /// Holds the place to the end of the body.
    pub(crate) holds_body: bool,
    /// Keeps the place of a call that is dropped before its end.
    pub(crate) leaks_when_dropped: bool,
}

/// A specimen of a limit over `queue` that can be resized and shows how many are inside.
pub(crate) fn limit(queue: Arc<Queue>, manner: Manner) -> Specimen {
    let (state, resize) = (Arc::clone(&queue), Arc::clone(&queue));
    let layer = layer_fn(move |inner: ReadyProbe| Limit {
        inner,
        queue: Arc::clone(&queue),
        manner,
    });
    Specimen::new(layer)
        .state(move || state.with(|line| line.inside))
        .resize(move |capacity| resize.resize(capacity))
}

#[derive(Clone)]
struct Limit {
    inner: ReadyProbe,
    queue: Arc<Queue>,
    manner: Manner,
}

impl Service<Request<TestBody>> for Limit {
    type Response = Response<HeldBody>;
    type Error = TestError;
    type Future = LimitFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TestError>> {
        Service::<Request<TestBody>>::poll_ready(&mut self.inner, cx)
    }

    fn call(&mut self, request: Request<TestBody>) -> LimitFuture {
        let next = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, next);
        let stage = if self.manner.refuses {
            match self.queue.enter() {
                Some(place) => Stage::begin(inner, request, place),
                None => Stage::Refused,
            }
        } else {
            Stage::Waiting(Some(Box::new((inner, request))), self.queue.wait())
        };
        LimitFuture {
            stage,
            manner: self.manner,
        }
    }
}

struct LimitFuture {
    stage: Stage,
    manner: Manner,
}

enum Stage {
    Waiting(Option<Box<(ReadyProbe, Request<TestBody>)>>, Wait),
    Inside(Pin<Box<ProbeFuture>>, Option<Place>),
    Refused,
}

impl Stage {
    fn begin(mut inner: ReadyProbe, request: Request<TestBody>, place: Place) -> Self {
        Self::Inside(Box::pin(inner.call(request)), Some(place))
    }
}

impl Future for LimitFuture {
    type Output = Result<Response<HeldBody>, TestError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let holds_body = self.manner.holds_body;
        loop {
            match &mut self.stage {
                Stage::Refused => return Poll::Ready(Err(TestError::new("full"))),
                Stage::Waiting(call, wait) => {
                    let place = ready!(wait.poll(cx));
                    let (inner, request) = *call.take().expect("called once");
                    self.stage = Stage::begin(inner, request, place);
                }
                Stage::Inside(future, place) => {
                    let result = ready!(future.as_mut().poll(cx));
                    let place = place.take();
                    return Poll::Ready(result.map(|response| {
                        let bodiless = matches!(response.status().as_u16(), 204 | 304);
                        let held = holds_body && !bodiless && !response.body().is_end_stream();
                        response.map(|body| HeldBody {
                            body,
                            place: place.filter(|_| held),
                        })
                    }));
                }
            }
        }
    }
}

impl Drop for LimitFuture {
    fn drop(&mut self) {
        if let (Stage::Inside(_, place), true) = (&mut self.stage, self.manner.leaks_when_dropped) {
            std::mem::forget(place.take());
        }
    }
}

/// A body that holds a place until its end.
pub(crate) struct HeldBody {
    body: TestBody,
    place: Option<Place>,
}

impl Body for HeldBody {
    type Data = bytes::Bytes;
    type Error = TestError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, TestError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if !matches!(&frame, Some(Ok(frame)) if frame.is_data()) {
            self.place = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
