//! A breaker of a few lines with one probe at a time, and the ways in which its probes get stuck.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use buttress_testkit::{Conformance, LayerUnderTest, ReadyProbe, Sharing, TestBody, TestError};
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;
use tower::Service;
use tower_layer::layer_fn;

use crate::faults::Case;

pub(crate) const CASES: &[Case] = &[
    Case {
        what: "a sound breaker",
        suite: |name| breaker(name, None),
        fails: &[],
    },
    Case {
        what: "a breaker that waits for ever for a cancelled probe",
        suite: |name| breaker(name, Some(Fault::IgnoresCancellation)),
        fails: &["B3"],
    },
    Case {
        what: "a breaker that waits for ever for a hung probe",
        suite: |name| breaker(name, Some(Fault::KnowsNoLease)),
        fails: &["B3"],
    },
    Case {
        what: "a breaker with clones that share no state",
        suite: |name| breaker(name, Some(Fault::SharesNothing)).sharing(Sharing::Separate),
        fails: &["B6"],
    },
    Case {
        what: "a breaker that refuses, and keeps its inner service readied",
        suite: |name| breaker(name, Some(Fault::KeepsTheReservation)),
        fails: &["R13"],
    },
    Case {
        what: "a breaker that counts readers that hang up as failures",
        suite: |name| breaker(name, Some(Fault::BlamesReadersWhoHangUp)),
        fails: &["A10", "B7"],
    },
    Case {
        what: "a breaker that takes slow readers for slow calls",
        suite: |name| breaker(name, Some(Fault::BlamesSlowReaders)),
        fails: &["A10", "B7"],
    },
    Case {
        what: "a breaker that hears of a probe at the end of its body",
        suite: |name| breaker(name, Some(Fault::WaitsForTheBody)),
        fails: &["B7"],
    },
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    BlamesReadersWhoHangUp,
    BlamesSlowReaders,
    IgnoresCancellation,
    KeepsTheReservation,
    KnowsNoLease,
    SharesNothing,
    WaitsForTheBody,
}

const OPEN_FOR: Duration = Duration::from_secs(5);

fn breaker(name: &'static str, fault: Option<Fault>) -> Conformance {
    Conformance::new(name, move || {
        let circuit = Arc::new(Mutex::new(Circuit::default()));
        let tripped = Arc::clone(&circuit);
        let layer = layer_fn(move |inner: ReadyProbe| Breaker {
            inner,
            circuit: Arc::clone(&circuit),
            fault,
        });
        LayerUnderTest::new(layer).trip(move || with(&tripped, Circuit::trip))
    })
    .sharing(Sharing::Shared)
    .recovers_within(OPEN_FOR)
}

#[derive(Debug, Default)]
struct Circuit {
    tripped: bool,
    open_until: Option<Instant>,
    failures: usize,
}

impl Circuit {
    fn trip(&mut self) {
        self.tripped = true;
        self.open_until = Some(Instant::now() + OPEN_FOR);
    }

    /// Five in a row trip it.
    fn fails(&mut self) {
        self.failures += 1;
        if self.failures == 5 {
            self.trip();
        }
    }

    /// Lets one probe through when the time is over, and the next when that one had as much time
    /// again.
    fn admits(&mut self, lease: bool) -> bool {
        if !self.tripped {
            return true;
        }
        let over = self.open_until.is_some_and(|until| Instant::now() >= until);
        if over {
            self.open_until = lease.then(|| Instant::now() + OPEN_FOR);
        }
        over
    }
}

fn with<T>(circuit: &Mutex<Circuit>, f: impl FnOnce(&mut Circuit) -> T) -> T {
    f(&mut circuit.lock().unwrap_or_else(PoisonError::into_inner))
}

struct Breaker {
    inner: ReadyProbe,
    circuit: Arc<Mutex<Circuit>>,
    fault: Option<Fault>,
}

impl Clone for Breaker {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            circuit: match self.fault {
                Some(Fault::SharesNothing) => Arc::default(),
                _ => Arc::clone(&self.circuit),
            },
            fault: self.fault,
        }
    }
}

impl Service<Request<TestBody>> for Breaker {
    type Response = Response<WatchedBody>;
    type Error = TestError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<WatchedBody>, TestError>>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TestError>> {
        Service::<Request<TestBody>>::poll_ready(&mut self.inner, cx)
    }

    fn call(&mut self, request: Request<TestBody>) -> Self::Future {
        let lease = self.fault != Some(Fault::KnowsNoLease);
        let lease = lease && self.fault != Some(Fault::IgnoresCancellation);
        if !with(&self.circuit, |circuit| circuit.admits(lease)) {
            if self.fault != Some(Fault::KeepsTheReservation) {
                self.inner = self.inner.clone();
            }
            return Box::pin(std::future::ready(Err(TestError::new("open"))));
        }
        let mut probe = Probe {
            circuit: Arc::clone(&self.circuit),
            settles_in_drop: self.fault != Some(Fault::IgnoresCancellation),
        };
        let (future, fault) = (self.inner.call(request), self.fault);
        let by_the_body = matches!(
            fault,
            Some(Fault::BlamesReadersWhoHangUp | Fault::BlamesSlowReaders | Fault::WaitsForTheBody)
        );
        Box::pin(async move {
            let result = future.await;
            probe.settles_in_drop = false;
            with(&probe.circuit, |circuit| match &result {
                Ok(response) if by_the_body && !response.body().is_end_stream() => {}
                Ok(_) => *circuit = Circuit::default(),
                Err(_) if circuit.tripped => circuit.trip(),
                Err(_) => {}
            });
            let circuit = Arc::clone(&probe.circuit);
            result.map(|response| {
                response.map(|body| WatchedBody {
                    body,
                    circuit,
                    fault: fault.filter(|_| by_the_body),
                    began: Instant::now(),
                })
            })
        })
    }
}

/// A body from which some breakers learn what they should not.
struct WatchedBody {
    body: TestBody,
    circuit: Arc<Mutex<Circuit>>,
    fault: Option<Fault>,
    began: Instant,
}

impl Body for WatchedBody {
    type Data = bytes::Bytes;
    type Error = TestError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, TestError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        let over = matches!(frame, Poll::Ready(None | Some(Err(_)))) || self.is_end_stream();
        if let Some(fault) = self.fault.take_if(|_| over) {
            let slow = self.began.elapsed() > Duration::from_secs(10);
            with(&self.circuit, |circuit| {
                if slow && fault == Fault::BlamesSlowReaders {
                    circuit.fails();
                } else {
                    *circuit = Circuit::default();
                }
            });
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for WatchedBody {
    fn drop(&mut self) {
        let unread = self.fault.filter(|_| !self.is_end_stream());
        if unread == Some(Fault::BlamesReadersWhoHangUp) {
            with(&self.circuit, Circuit::fails);
        }
    }
}

/// A call in flight: dropped without a response, it lets the next one probe at once.
struct Probe {
    circuit: Arc<Mutex<Circuit>>,
    settles_in_drop: bool,
}

impl Drop for Probe {
    fn drop(&mut self) {
        if self.settles_in_drop {
            with(&self.circuit, |circuit| {
                circuit.open_until = Some(Instant::now())
            });
        }
    }
}
