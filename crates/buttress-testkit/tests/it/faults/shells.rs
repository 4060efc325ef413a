//! Layers without a limit, each with one fault.

use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use buttress_testkit::{Conformance, ProbeFuture, ReadyProbe, TestBody, TestError};
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;
use tower::timeout::TimeoutLayer;
use tower::{Service, ServiceBuilder};
use tower_layer::layer_fn;

use crate::faults::Case;

pub(crate) const FAULTS: &[Case] = &[
    Case {
        what: "calls a fresh clone",
        suite: |name| shell(name, Fault::CallsAFreshClone),
        fails: &["R1", "R2"],
    },
    Case {
        what: "readies one instance and calls another",
        suite: |name| shell(name, Fault::ReadiesAnother),
        fails: &["R2"],
    },
    Case {
        what: "swallows readiness errors",
        suite: |name| shell(name, Fault::SwallowsReadinessErrors),
        fails: &["R11"],
    },
    Case {
        what: "locks over the inner call, and unwraps the lock",
        suite: |name| shell(name, Fault::UnwrapsAPoisonedLock),
        fails: &["A4"],
    },
    Case {
        what: "turns failures into successes",
        suite: |name| shell(name, Fault::InventsSuccess),
        fails: &["A5"],
    },
    Case {
        what: "spawns a task with each call",
        suite: |name| shell(name, Fault::Spawns).needs_timer(),
        fails: &["A1", "X4"],
    },
    Case {
        what: "refuses for ever once the clock has leapt",
        suite: |name| shell(name, Fault::RefusesAfterALeap),
        fails: &["X1"],
    },
    Case {
        what: "panics once the clock has leapt",
        suite: |name| shell(name, Fault::PanicsAfterALeap),
        fails: &["X1"],
    },
    Case {
        what: "keeps a copy of a request that it never sends again",
        suite: |name| shell(name, Fault::CopiesTheRequest).attempts(1),
        fails: &["T9"],
    },
    Case {
        what: "sends a request twice, and says once",
        suite: |name| {
            let suite = shell(name, Fault::SendsTwice).attempts(1);
            suite.except("R8", "its second call inside is never released there")
        },
        fails: &["T9"],
    },
    Case {
        what: "polls the inner call twice for each poll",
        suite: |name| shell(name, Fault::PollsTwice),
        fails: &["R14"],
    },
    Case {
        what: "polls the inner body twice for each poll",
        suite: |name| body(name, BodyFault::PollsTwice),
        fails: &["R14", "A8"],
    },
    Case {
        what: "drops trailers",
        suite: |name| body(name, BodyFault::DropsTrailers),
        fails: &["A8"],
    },
    Case {
        what: "forgets the length of the body",
        suite: |name| body(name, BodyFault::ForgetsTheLength),
        fails: &["A8"],
    },
    Case {
        what: "forgets that the body is at its end",
        suite: |name| body(name, BodyFault::ForgetsTheEnd),
        fails: &["A8"],
    },
    Case {
        what: "sets a timer, and does not say so",
        suite: |name| Conformance::new(name, || TimeoutLayer::new(Duration::from_secs(1))),
        fails: &["X4"],
    },
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    CallsAFreshClone,
    CopiesTheRequest,
    InventsSuccess,
    PanicsAfterALeap,
    PollsTwice,
    ReadiesAnother,
    RefusesAfterALeap,
    SendsTwice,
    Spawns,
    SwallowsReadinessErrors,
    UnwrapsAPoisonedLock,
}

fn shell(name: &'static str, fault: Fault) -> Conformance {
    Conformance::new(name, move || {
        layer_fn(move |inner: ReadyProbe| Shell {
            inner,
            fault,
            made: Instant::now(),
            lock: Arc::default(),
        })
    })
}

#[derive(Clone)]
struct Shell {
    inner: ReadyProbe,
    fault: Fault,
    made: Instant,
    lock: Arc<Mutex<()>>,
}

type BoxFuture = Pin<Box<dyn Future<Output = Result<Response<TestBody>, TestError>>>>;

impl Service<Request<TestBody>> for Shell {
    type Response = Response<TestBody>;
    type Error = TestError;
    type Future = BoxFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TestError>> {
        let readiness = Service::<Request<TestBody>>::poll_ready(&mut self.inner, cx);
        match (self.fault, &readiness) {
            (Fault::SwallowsReadinessErrors, Poll::Ready(Err(_))) => Poll::Pending,
            _ => readiness,
        }
    }

    fn call(&mut self, request: Request<TestBody>) -> BoxFuture {
        let leapt = self.made.elapsed() > Duration::from_secs(20 * 24 * 3600);
        match self.fault {
            Fault::CallsAFreshClone => Box::pin(self.inner.clone().call(request)),
            Fault::ReadiesAnother => {
                let mut other = self.inner.clone();
                Box::pin(async move {
                    std::future::poll_fn(|cx| {
                        Service::<Request<TestBody>>::poll_ready(&mut other, cx)
                    })
                    .await?;
                    other.call(request).await
                })
            }
            Fault::UnwrapsAPoisonedLock => {
                let _guard = self.lock.lock().expect("poisoned");
                Box::pin(self.inner.call(request))
            }
            Fault::InventsSuccess => {
                let future = self.inner.call(request);
                Box::pin(async { Ok(future.await.unwrap_or_default()) })
            }
            Fault::CopiesTheRequest => {
                let copy = request.clone();
                let future = self.inner.call(request);
                Box::pin(async {
                    let result = future.await;
                    drop(copy);
                    result
                })
            }
            Fault::SendsTwice => {
                let (copy, mut inner) = (request.clone(), self.inner.clone());
                let future = self.inner.call(request);
                Box::pin(async move {
                    if let Ok(response) = future.await {
                        return Ok(response);
                    }
                    std::future::poll_fn(|cx| {
                        Service::<Request<TestBody>>::poll_ready(&mut inner, cx)
                    })
                    .await?;
                    inner.call(copy).await
                })
            }
            Fault::PollsTwice => {
                let mut future = Box::pin(self.inner.call(request));
                Box::pin(std::future::poll_fn(move |cx| {
                    let first = future.as_mut().poll(cx);
                    if first.is_ready() {
                        return first;
                    }
                    future.as_mut().poll(cx)
                }))
            }
            Fault::Spawns => {
                tokio::spawn(std::future::pending::<()>());
                Box::pin(self.inner.call(request))
            }
            Fault::RefusesAfterALeap if leapt => {
                Box::pin(ready(Err(TestError::new("worn out"))) as Ready<_>)
            }
            Fault::PanicsAfterALeap if leapt => panic!("attempt to subtract with overflow"),
            _ => Box::pin(self.inner.call(request)),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BodyFault {
    DropsTrailers,
    ForgetsTheEnd,
    ForgetsTheLength,
    PollsTwice,
}

fn body(name: &'static str, fault: BodyFault) -> Conformance {
    Conformance::new(name, move || {
        ServiceBuilder::new()
            .map_response(move |response: Response<TestBody>| {
                response.map(|body| FaultyBody { body, fault })
            })
            .map_future(|future: ProbeFuture| future)
    })
}

struct FaultyBody {
    body: TestBody,
    fault: BodyFault,
}

impl Body for FaultyBody {
    type Data = Bytes;
    type Error = TestError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TestError>>> {
        let mut frame = Pin::new(&mut self.body).poll_frame(cx);
        if frame.is_pending() && self.fault == BodyFault::PollsTwice {
            frame = Pin::new(&mut self.body).poll_frame(cx);
        }
        match &frame {
            Poll::Ready(Some(Ok(frame)))
                if frame.is_trailers() && self.fault == BodyFault::DropsTrailers =>
            {
                Poll::Ready(None)
            }
            _ => frame,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.fault != BodyFault::ForgetsTheEnd && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.fault == BodyFault::ForgetsTheLength {
            SizeHint::default()
        } else {
            self.body.size_hint()
        }
    }
}
