//! A scripted body, and a guard that records its result.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use buttress_core::{BoxError, Guard, Outcome, Protocol, Report};
use buttress_http::{GuardedBody, Http};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_body::{Body, Frame, SizeHint};

/// What a [`Scripted`] body does when it is polled.
pub(crate) enum Step {
    Data(&'static str),
    Error,
    Fails(BoxError),
    Panic,
    Pending,
    Trailers(HeaderMap),
}

/// A body that follows its steps, then ends.
#[derive(Default)]
pub(crate) struct Scripted {
    steps: VecDeque<Step>,
    /// Whether `is_end_stream` is true at its end.
    pub(crate) knows_its_end: bool,
    pub(crate) size_hint: SizeHint,
}

impl Scripted {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            ..Self::default()
        }
    }

    pub(crate) fn knowing_its_end(mut self) -> Self {
        self.knows_its_end = true;
        self
    }
}

impl Body for Scripted {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = match self.steps.pop_front() {
            None => return Poll::Ready(None),
            Some(Step::Pending) => return Poll::Pending,
            Some(Step::Panic) => panic!("scripted"),
            Some(Step::Error) => Err("scripted".into()),
            Some(Step::Fails(error)) => Err(error),
            Some(Step::Data(text)) => Ok(Frame::data(text.into())),
            Some(Step::Trailers(map)) => Ok(Frame::trailers(map)),
        };
        Poll::Ready(Some(frame))
    }

    fn is_end_stream(&self) -> bool {
        self.knows_its_end && self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.size_hint
    }
}

/// How the guards of a test ended.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Vec<Option<Report>>>>);

impl Ledger {
    pub(crate) fn guard(&self) -> Entry {
        Entry {
            ledger: self.clone(),
            is_settled: false,
        }
    }

    /// How each guard ended, in order; `None` where it was cancelled.
    pub(crate) fn ends(&self) -> Vec<Option<Outcome>> {
        let ends = self.entries();
        ends.iter().map(|end| end.map(|r| r.outcome)).collect()
    }

    pub(crate) fn is_open(&self) -> bool {
        self.entries().is_empty()
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Option<Report>>> {
        self.0.lock().expect("nothing panics under this lock")
    }
}

/// A guard that records in a [`Ledger`] how it was settled, or that it was not.
pub(crate) struct Entry {
    ledger: Ledger,
    is_settled: bool,
}

impl Guard for Entry {
    fn settle(&mut self, report: Report) {
        if !self.is_settled {
            self.ledger.entries().push(Some(report));
        }
        self.is_settled = true;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if !self.is_settled {
            self.ledger.entries().push(None);
        }
    }
}

/// A call of the protocol: its guarded response, and the results of its guard.
pub(crate) struct Call<B> {
    pub(crate) body: Pin<Box<GuardedBody<B, Entry>>>,
    pub(crate) ledger: Ledger,
}

pub(crate) type Polled = Poll<Option<Result<Frame<Bytes>, BoxError>>>;

impl<B: Body<Data = Bytes, Error = BoxError>> Call<B> {
    pub(crate) fn new(protocol: &Http, response: Response<B>) -> Self {
        let ledger = Ledger::default();
        let result: Result<_, BoxError> =
            protocol.conclude(Ok(response), &mut Some(ledger.guard()));
        Self {
            body: Box::pin(result.expect("a response stays a response").into_body()),
            ledger,
        }
    }

    pub(crate) fn poll(&mut self) -> Polled {
        let mut context = Context::from_waker(Waker::noop());
        self.body.as_mut().poll_frame(&mut context)
    }

    /// Polls until the body ends or fails.
    pub(crate) fn read_to_end(&mut self) {
        while !matches!(self.poll(), Poll::Ready(None | Some(Err(_)))) {}
    }

    /// Drops the body and returns how the call ended.
    pub(crate) fn dropped(self) -> Vec<Option<Outcome>> {
        drop(self.body);
        self.ledger.ends()
    }
}

pub(crate) fn response<B>(
    status: u16,
    headers: &[(&'static str, &'static str)],
    body: B,
) -> Response<B> {
    let mut response = Response::new(body);
    *response.status_mut() = status.try_into().expect("a valid status");
    *response.headers_mut() = header_map(headers);
    response
}

pub(crate) fn header_map(headers: &[(&'static str, &'static str)]) -> HeaderMap {
    headers
        .iter()
        .map(|&(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        })
        .collect()
}
