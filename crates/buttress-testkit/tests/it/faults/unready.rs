//! Layers that wait for the inner service in `poll_ready`, for a limited time.

use std::future::ready;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use buttress_testkit::{Conformance, ReadyProbe, TestBody, TestError};
use http::{Request, Response};
use tokio::time::{Instant, Sleep, sleep};
use tower::Service;
use tower_layer::layer_fn;

use crate::faults::Case;

pub(crate) const CASES: &[Case] = &[
    Case {
        what: "ends a wait for readiness",
        suite: |name| patient(name, None),
        fails: &[],
    },
    Case {
        what: "calls an inner service that is not ready",
        suite: |name| patient(name, Some(Fault::CallsAnyway)),
        fails: &["R15"],
    },
    Case {
        what: "looks at the time when it is polled",
        suite: |name| patient(name, Some(Fault::SetsNoTimer)),
        fails: &["R15"],
    },
    Case {
        what: "refuses for ever once it has waited too long",
        suite: |name| patient(name, Some(Fault::StaysLate)),
        fails: &["R15"],
    },
    Case {
        what: "waits for readiness for ever, and says for how long",
        suite: |name| patient(name, Some(Fault::WaitsForEver)),
        fails: &["R15"],
    },
];

const LONGEST: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    CallsAnyway,
    SetsNoTimer,
    StaysLate,
    WaitsForEver,
}

fn patient(name: &'static str, fault: Option<Fault>) -> Conformance {
    let suite = Conformance::new(name, move || {
        layer_fn(move |inner: ReadyProbe| Patient {
            inner,
            fault,
            wait: None,
            is_late: false,
        })
    });
    suite.needs_timer().ready_within(LONGEST)
}

struct Patient {
    inner: ReadyProbe,
    fault: Option<Fault>,
    wait: Option<Pin<Box<Sleep>>>,
    is_late: bool,
}

/// A clone waits anew.
impl Clone for Patient {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            fault: self.fault,
            wait: None,
            is_late: false,
        }
    }
}

impl Patient {
    fn end_wait(&mut self) {
        self.wait = None;
        self.is_late &= self.fault == Some(Fault::StaysLate);
    }
}

impl Service<Request<TestBody>> for Patient {
    type Response = Response<TestBody>;
    type Error = TestError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<TestBody>, TestError>>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TestError>> {
        let polled = Service::<Request<TestBody>>::poll_ready(&mut self.inner, cx);
        if polled.is_ready() {
            self.end_wait();
            return polled;
        }
        let wait = self.wait.get_or_insert_with(|| Box::pin(sleep(LONGEST)));
        self.is_late |= match self.fault {
            Some(Fault::WaitsForEver) => false,
            Some(Fault::SetsNoTimer) => wait.deadline() <= Instant::now(),
            _ => wait.as_mut().poll(cx).is_ready(),
        };
        match self.is_late {
            true => Poll::Ready(Ok(())),
            false => Poll::Pending,
        }
    }

    fn call(&mut self, request: Request<TestBody>) -> Self::Future {
        if self.is_late && self.fault != Some(Fault::CallsAnyway) {
            self.end_wait();
            self.inner = self.inner.clone();
            return Box::pin(ready(Err(TestError::new("not ready in time"))));
        }
        self.end_wait();
        Box::pin(self.inner.call(request))
    }
}
