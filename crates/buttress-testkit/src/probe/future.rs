use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use http::Response;

use crate::script::ScriptedFuture;
use crate::{Gate, Gauge, Presence, TestBody, TestError};

/// The response future of a [`ReadyProbe`](crate::ReadyProbe). The call is in flight until the future ends or is
/// dropped.
#[derive(Debug)]
pub struct ProbeFuture {
    gate: Gate,
    script: ScriptedFuture<Response<TestBody>>,
    in_flight: Option<Presence>,
    bodies: Gauge,
    polls: Arc<AtomicUsize>,
}

impl ProbeFuture {
    pub(super) fn new(
        gate: Gate,
        script: ScriptedFuture<Response<TestBody>>,
        in_flight: Presence,
        bodies: Gauge,
        polls: Arc<AtomicUsize>,
    ) -> Self {
        Self {
            gate,
            script,
            in_flight: Some(in_flight),
            bodies,
            polls,
        }
    }
}

impl Future for ProbeFuture {
    type Output = Result<Response<TestBody>, TestError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.polls.fetch_add(1, Ordering::SeqCst);
        ready!(self.gate.poll(cx));
        let result = ready!(Pin::new(&mut self.script).poll(cx));
        self.in_flight = None;
        Poll::Ready(
            result.map(|response| {
                response.map(|body| body.counted(&self.bodies).polled(&self.polls))
            }),
        )
    }
}
