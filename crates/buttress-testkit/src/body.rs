use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body, Frame, SizeHint};

use crate::sync::scripted_panic;
use crate::{Gate, Gauge, Presence, TestError};

/// What one poll of a [`TestBody`] does.
#[derive(Debug, Clone)]
pub enum BodyStep {
    /// Yields data.
    Data(Bytes),
    /// Fails with this error.
    Err(TestError),
    /// Panics.
    Panic,
    /// Is pending once, and wakes its task to be polled again.
    Pending,
    /// Yields trailers.
    Trailers(HeaderMap),
    /// Is pending until the gate is open, then continues with the next step.
    Wait(Gate),
}

/// A body with a script for every poll. After its last step it ends.
///
/// Its `size_hint` is exact, unless the body [declares](Self::declare) another length than its script yields.
///
/// ```
/// use buttress_testkit::TestBody;
/// use http_body::Body;
///
/// let body = TestBody::empty().data("hello").pending().trailer("grpc-status", "0");
/// assert_eq!(body.size_hint().exact(), Some(5));
/// assert!(!body.is_end_stream());
/// assert!(TestBody::empty().is_end_stream());
/// ```
#[derive(Debug, Clone, Default)]
pub struct TestBody {
    steps: VecDeque<BodyStep>,
    declared: Option<u64>,
    presence: Option<Presence>,
    polls: Option<Arc<AtomicUsize>>,
}

impl TestBody {
    /// Creates a body that is at its end.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Adds one step.
    #[must_use]
    pub fn step(mut self, step: BodyStep) -> Self {
        self.steps.push_back(step);
        self
    }

    /// Yields `data`.
    #[must_use]
    pub fn data(self, data: &'static str) -> Self {
        self.step(BodyStep::Data(Bytes::from_static(data.as_bytes())))
    }

    /// Is pending for one poll.
    #[must_use]
    pub fn pending(self) -> Self {
        self.step(BodyStep::Pending)
    }

    /// Waits for `gate`.
    #[must_use]
    pub fn wait(self, gate: &Gate) -> Self {
        self.step(BodyStep::Wait(gate.clone()))
    }

    /// Yields trailers with one field.
    #[must_use]
    pub fn trailer(self, name: &'static str, value: &'static str) -> Self {
        let mut trailers = HeaderMap::new();
        trailers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
        self.step(BodyStep::Trailers(trailers))
    }

    /// Fails with `text`.
    #[must_use]
    pub fn err(self, text: &'static str) -> Self {
        self.step(BodyStep::Err(TestError::new(text)))
    }

    /// Panics when polled.
    #[must_use]
    pub fn panic(self) -> Self {
        self.step(BodyStep::Panic)
    }

    /// Declares `length` bytes, whatever the script yields.
    #[must_use]
    pub fn declare(mut self, length: u64) -> Self {
        self.declared = Some(length);
        self
    }

    /// Counts the body in `gauge` until the last step is taken or the body is dropped.
    #[must_use]
    pub fn counted(mut self, gauge: &Gauge) -> Self {
        self.presence = (!self.steps.is_empty()).then(|| gauge.enter());
        self
    }

    /// Adds each poll to `polls`.
    pub(crate) fn polled(mut self, polls: &Arc<AtomicUsize>) -> Self {
        self.polls = Some(Arc::clone(polls));
        self
    }

    fn sent(&mut self, data: &Bytes) {
        if let Some(declared) = &mut self.declared {
            *declared = declared.saturating_sub(data.len() as u64);
        }
    }
}

impl Body for TestBody {
    type Data = Bytes;
    type Error = TestError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TestError>>> {
        if let Some(polls) = &self.polls {
            polls.fetch_add(1, Ordering::SeqCst);
        }
        loop {
            if let Some(BodyStep::Wait(gate)) = self.steps.front()
                && gate.poll(cx).is_pending()
            {
                return Poll::Pending;
            }
            let step = self.steps.pop_front();
            if self.steps.is_empty() {
                self.presence = None;
            }
            match step {
                Some(BodyStep::Data(data)) => {
                    self.sent(&data);
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Some(BodyStep::Err(error)) => {
                    self.steps.clear();
                    self.presence = None;
                    return Poll::Ready(Some(Err(error)));
                }
                Some(BodyStep::Panic) => scripted_panic("scripted panic in a body"),
                Some(BodyStep::Pending) => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(BodyStep::Trailers(trailers)) => {
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                }
                Some(BodyStep::Wait(_)) => {}
                None => return Poll::Ready(None),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let scripted = || {
            self.steps.iter().map(|step| match step {
                BodyStep::Data(data) => data.len() as u64,
                _ => 0,
            })
        };
        SizeHint::with_exact(self.declared.unwrap_or_else(|| scripted().sum()))
    }
}
