//! Bodies that hold the slot of their call, and the ways in which their time can be over.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use buttress_testkit::{TestBody, TestError};
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::faults::idle::{Idle, Readers};
use crate::faults::queue::Place;

/// What happens when the time of a call is over, and its body is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    /// Its slot is free, and its inner body gone.
    Whole,
    /// Its slot is free; the inner body stays.
    WithoutItsBody,
    /// Nothing, until the body is polled.
    WhenPolled,
}

/// How long a call lasts, where it ends.
pub(crate) const LONGEST: Duration = Duration::from_secs(1);

/// A body that may hold a slot until its end.
pub(crate) struct HeldBody {
    hold: Arc<Hold>,
    ends: Option<Ends>,
    timer: Option<Pin<Box<Sleep>>>,
}

/// What the end of the time takes away, which is the waker of its timer.
pub(crate) struct Hold {
    ends: Option<Ends>,
    idle: Option<Idle>,
    held: Mutex<Held>,
}

struct Held {
    body: Option<TestBody>,
    place: Option<Place>,
    reader: Option<Waker>,
    late: bool,
    /// Since when no frame was polled for.
    idle_since: Option<Instant>,
}

impl HeldBody {
    pub(crate) fn new(
        body: TestBody,
        place: Option<Place>,
        ends: Option<Ends>,
        until: Instant,
        readers: &Readers,
    ) -> Self {
        let timed = ends.is_some() && !body.is_end_stream();
        let hold = Arc::new(Hold {
            ends,
            idle: readers.idle(),
            held: Mutex::new(Held {
                body: Some(body),
                place,
                reader: None,
                late: false,
                idle_since: Some(Instant::now()),
            }),
        });
        readers.enter(&hold);
        let timer = timed.then(|| {
            let mut timer = Box::pin(sleep_until(until));
            if ends != Some(Ends::WhenPolled) {
                let waker = Waker::from(Arc::clone(&hold));
                let _ = timer.as_mut().poll(&mut Context::from_waker(&waker));
            }
            timer
        });
        Self { hold, ends, timer }
    }
}

impl Hold {
    fn with<T>(&self, f: impl FnOnce(&mut Held) -> T) -> T {
        f(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Since when the reader asks for no frame, if it has a place to lose.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        self.with(|held| held.idle_since.filter(|_| held.place.is_some()))
    }

    pub(crate) fn take_place(&self) -> Option<Place> {
        let breaks_off = self.idle == Some(Idle::BreaksOff);
        self.with(|held| {
            held.late |= breaks_off;
            held.place.take()
        })
    }
}

impl Wake for Hold {
    fn wake(self: Arc<Self>) {
        let taken = self.with(|held| {
            held.late = true;
            let keeps = self.ends == Some(Ends::WithoutItsBody);
            let body = if keeps { None } else { held.body.take() };
            (body, held.place.take(), held.reader.take())
        });
        if let (_, _, Some(reader)) = taken {
            reader.wake();
        }
    }
}

impl Body for HeldBody {
    type Data = bytes::Bytes;
    type Error = TestError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, TestError>>> {
        if let (Some(Ends::WhenPolled), Some(timer)) = (self.ends, &mut self.timer)
            && timer.as_mut().poll(cx).is_ready()
        {
            Arc::clone(&self.hold).wake();
        }
        let idle = self.hold.idle;
        let (frame, place) = self.hold.with(|held| {
            let Some(body) = held.body.as_mut().filter(|_| !held.late) else {
                return (Poll::Ready(Some(Err(TestError::new("too late")))), None);
            };
            let frame = Pin::new(body).poll_frame(cx);
            held.idle_since = match idle {
                Some(Idle::CountsFromTheHead) => held.idle_since,
                Some(Idle::CountsTheService) => Some(Instant::now()),
                _ => frame.is_ready().then(Instant::now),
            };
            let over = match &frame {
                Poll::Pending => {
                    held.reader = Some(cx.waker().clone());
                    false
                }
                Poll::Ready(Some(Ok(frame))) => !frame.is_data(),
                Poll::Ready(_) => true,
            };
            (frame, over.then(|| held.place.take()).flatten())
        });
        drop(place);
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.hold
            .with(|held| held.body.as_ref().is_some_and(Body::is_end_stream))
    }

    fn size_hint(&self) -> SizeHint {
        self.hold.with(|held| {
            held.body
                .as_ref()
                .map_or_else(SizeHint::new, Body::size_hint)
        })
    }
}
