//! A limit of calls in flight that admits in `call`, and the ways to get one wrong around its
//! queue.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use buttress_testkit::{LayerUnderTest, ProbeFuture, ReadyProbe, TestBody, TestError};
use http::{Request, Response};
use http_body::Body;
use tokio::time::{Instant, Sleep, sleep_until};
use tower::Service;
use tower_layer::layer_fn;

use crate::faults::held::{Ends, HeldBody, LONGEST};
use crate::faults::idle::{Idle, Readers};
use crate::faults::queue::{Place, Queue, Wait};

/// How a limit behaves.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Manner {
    /// Rejects at once when full, instead of letting callers wait.
    pub(crate) refuses: bool,
    /// Holds the place to the end of the body.
    pub(crate) holds_body: bool,
    /// Keeps the slot of a call that is dropped before its end.
    pub(crate) leaks_when_dropped: bool,
    /// The time after which it rejects a waiter.
    pub(crate) max_wait: Option<Duration>,
    /// Readies the inner service anew once there is a slot, and how long that may take.
    pub(crate) readies: Option<Readies>,
    /// Holds its turn in both hands while it makes its timer, and drops it where there is none.
    pub(crate) arms_late: bool,
    /// Ends a call after the longest time, and how.
    pub(crate) ends: Option<Ends>,
    /// Whether and how it takes back the slots of readers that poll for no frame.
    pub(crate) idle: Option<Idle>,
}

/// How long a call that has its slot waits for the inner service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readies {
    /// As long as it takes.
    ForEver,
    /// Until its time to wait is over.
    InTime,
}

/// A specimen of a limit over `queue` that can be resized and shows how many are inside.
pub(crate) fn limit(queue: Arc<Queue>, manner: Manner) -> LayerUnderTest {
    let (state, resize) = (Arc::clone(&queue), Arc::clone(&queue));
    let readers = Readers::new(manner.idle);
    let layer = layer_fn(move |inner: ReadyProbe| Limit {
        inner,
        queue: Arc::clone(&queue),
        readers: readers.clone(),
        manner,
    });
    LayerUnderTest::new(layer)
        .state(move || state.with(|line| line.inside))
        .resize(move |capacity| resize.resize(capacity))
}

#[derive(Clone)]
struct Limit {
    inner: ReadyProbe,
    queue: Arc<Queue>,
    readers: Readers,
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
            let place = self.queue.enter().or_else(|| {
                self.readers.take_idle();
                self.queue.enter()
            });
            match place {
                Some(place) => Stage::begin(inner, request, place),
                None => Stage::Refused,
            }
        } else {
            Stage::Waiting(Some(Box::new((inner, request))), self.queue.wait())
        };
        LimitFuture {
            stage,
            manner: self.manner,
            readers: self.readers.clone(),
            timer: None,
            look: None,
            began: Instant::now(),
        }
    }
}

struct LimitFuture {
    stage: Stage,
    manner: Manner,
    readers: Readers,
    timer: Option<Pin<Box<Sleep>>>,
    /// Goes off when a reader may have become idle.
    look: Option<Pin<Box<Sleep>>>,
    began: Instant,
}

type Call = (ReadyProbe, Request<TestBody>);

enum Stage {
    Waiting(Option<Box<Call>>, Wait),
    Readying(Option<Box<Call>>, Option<Place>),
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
        let answer = self.go_on(cx);
        self.look_for_idle(cx);
        if answer.is_pending() && self.is_late(cx) {
            self.stage = Stage::Refused;
            return Poll::Ready(Err(TestError::new("waited too long")));
        }
        answer
    }
}

impl LimitFuture {
    /// Makes sure that a waiter is notified of readers that became idle: their slots wake it.
    fn look_for_idle(&mut self, cx: &mut Context<'_>) {
        let (Stage::Waiting(..), Some(idle)) = (&self.stage, self.manner.idle) else {
            return;
        };
        if idle == Idle::LooksOnArrival && self.look.is_some() {
            return;
        }
        loop {
            let next = self.readers.take_idle();
            let look = self.look.insert(Box::pin(sleep_until(next)));
            if idle == Idle::LooksOnArrival || look.as_mut().poll(cx).is_pending() {
                return;
            }
        }
    }

    fn go_on(&mut self, cx: &mut Context<'_>) -> Poll<Result<Response<HeldBody>, TestError>> {
        let (holds_body, ends) = (self.manner.holds_body, self.manner.ends);
        let until = self.began + LONGEST;
        loop {
            match &mut self.stage {
                Stage::Refused => return Poll::Ready(Err(TestError::new("full"))),
                Stage::Waiting(call, wait) => {
                    let waited = wait.is_in_line();
                    let place = ready!(wait.poll(cx));
                    let (inner, request) = *call.take().expect("called once");
                    self.stage = if waited && self.manner.readies.is_some() {
                        let fresh = inner.clone();
                        Stage::Readying(Some(Box::new((fresh, request))), Some(place))
                    } else {
                        Stage::begin(inner, request, place)
                    };
                }
                Stage::Readying(call, place) => {
                    let inner = &mut call.as_mut().expect("called once").0;
                    ready!(Service::<Request<TestBody>>::poll_ready(inner, cx))?;
                    let (inner, request) = *call.take().expect("called once");
                    let place = place.take().expect("called once");
                    self.stage = Stage::begin(inner, request, place);
                }
                Stage::Inside(future, place) => {
                    let result = ready!(future.as_mut().poll(cx));
                    let place = place.take();
                    return Poll::Ready(result.map(|response| {
                        let bodiless = matches!(response.status().as_u16(), 204 | 304);
                        let held = holds_body && !bodiless && !response.body().is_end_stream();
                        response.map(|body| {
                            let place = place.filter(|_| held);
                            HeldBody::new(body, place, ends, until, &self.readers)
                        })
                    }));
                }
            }
        }
    }

    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        let waits = match self.stage {
            Stage::Waiting(..) => true,
            Stage::Readying(..) => self.manner.readies == Some(Readies::InTime),
            Stage::Inside(..) => self.manner.ends.is_some(),
            Stage::Refused => false,
        };
        let Some(max_wait) = self.manner.max_wait.filter(|_| waits) else {
            return false;
        };
        let turn = match &mut self.stage {
            Stage::Waiting(_, wait) if self.manner.arms_late => Some(wait.take()),
            _ => None,
        };
        let turn = turn.map(std::mem::ManuallyDrop::new);
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(max_wait)));
        let late = timer.as_mut().poll(cx).is_ready();
        if let (Stage::Waiting(_, wait), Some(turn)) = (&mut self.stage, turn) {
            *wait = std::mem::ManuallyDrop::into_inner(turn);
        }
        late
    }
}

impl Drop for LimitFuture {
    fn drop(&mut self) {
        if let (Stage::Inside(_, place), true) = (&mut self.stage, self.manner.leaks_when_dropped) {
            std::mem::forget(place.take());
        }
    }
}
