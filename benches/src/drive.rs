//! How a call is made: readied, called and polled by hand, so that no runtime is measured.

use std::future::{Future, poll_fn};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;

use http_body::Body;
use serde::Serialize;
use tower::{Service, ServiceExt};

/// How a service is used for several calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Drive {
    /// A clone for each call, used once, as in axum and most clients.
    Clone,
    /// The same service for all calls, as in one connection.
    Reuse,
}

impl Drive {
    /// Both ways, in the order of the table.
    pub const ALL: [Self; 2] = [Self::Reuse, Self::Clone];

    /// Returns the name of this way for the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clone => "clone",
            Self::Reuse => "reuse",
        }
    }

    /// Parses the name of a way.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|drive| drive.as_str() == word)
    }
}

/// Makes a number of calls in a lane, and returns how many of them succeeded.
pub type Work = Box<dyn FnMut(&mut Lane<'_>, u64) -> u64 + Send>;

/// Calls `service` repeatedly.
pub(crate) fn work<S, Req>(service: S, drive: Drive) -> Work
where
    S: Service<Req> + Clone + Send + 'static,
    Req: Default + 'static,
    Result<S::Response, S::Error>: Answer,
{
    let mut service = service;
    match drive {
        Drive::Clone => Box::new(move |lane, calls| {
            let call = |_| {
                let request = black_box(Req::default());
                let answer = lane.finish(service.clone().oneshot(request));
                u64::from(black_box(answer).consume(lane))
            };
            (0..calls).map(call).sum()
        }),
        Drive::Reuse => Box::new(move |lane, calls| {
            let call = |_| {
                let request = black_box(Req::default());
                let answer = match lane.finish(poll_fn(|cx| service.poll_ready(cx))) {
                    Ok(()) => lane.finish(service.call(request)),
                    Err(error) => Err(error),
                };
                u64::from(black_box(answer).consume(lane))
            };
            (0..calls).map(call).sum()
        }),
    }
}

/// Polls futures, and handles those that are pending.
#[derive(Debug)]
pub struct Lane<'a> {
    context: Context<'a>,
    pending: fn(),
}

impl<'a> Lane<'a> {
    /// A lane for one thread, in which nothing waits.
    #[must_use]
    pub fn alone() -> Lane<'static> {
        Lane {
            context: Context::from_waker(Waker::noop()),
            pending: || panic!("an uncontended call must be ready when it is first polled"),
        }
    }

    /// A lane for one of several threads, which sleeps until `waker` unparks the thread.
    #[must_use]
    pub fn parking(waker: &'a Waker) -> Self {
        Self {
            context: Context::from_waker(waker),
            pending: thread::park,
        }
    }

    /// Polls `future` until it is ready.
    pub fn finish<F: Future>(&mut self, future: F) -> F::Output {
        let mut future = pin!(future);
        loop {
            match future.as_mut().poll(&mut self.context) {
                Poll::Ready(output) => return output,
                Poll::Pending => (self.pending)(),
            }
        }
    }
}

/// A response, as a caller reads it before the call ends.
pub trait Answer {
    /// Reads the whole response, and returns whether it is a success.
    fn consume(self, lane: &mut Lane<'_>) -> bool;
}

impl<E> Answer for Result<u64, E> {
    fn consume(self, _: &mut Lane<'_>) -> bool {
        self.is_ok()
    }
}

/// A response ends with its body, because the guards of HTTP layers are held until then.
impl<B: Body, E> Answer for Result<http::Response<B>, E> {
    fn consume(self, lane: &mut Lane<'_>) -> bool {
        let Ok(response) = self else { return false };
        let mut body = pin!(response.into_body());
        while !body.is_end_stream() {
            match lane.finish(poll_fn(|cx| body.as_mut().poll_frame(cx))) {
                Some(Ok(frame)) => drop(black_box(frame)),
                Some(Err(_)) => return false,
                None => break,
            }
        }
        true
    }
}
