use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use buttress_core::chaos::BodyFault;
use buttress_core::{BoxError, FailureKind};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue};
use http_body::Frame;

use crate::injection::injected;
use crate::shared::{Place, Shared};
use crate::wait::Wait;

/// A fault in a body: takes the frames of the inner body, and returns them with the fault.
///
/// If the injector is disarmed, a fault that only delays the body ends. A body that has lost data remains so.
pub(crate) struct Damage {
    fault: BodyFault,
    shared: Arc<Shared>,
    /// Held until the body ends.
    place: Option<Place>,
    /// The number of bytes taken.
    seen: u64,
    ready: VecDeque<Out>,
    wait: Option<Wait>,
    is_over: bool,
}

/// The next step of the body.
pub(crate) enum Step {
    /// The body has ended.
    End,
    /// Return this.
    Give(Given),
    /// Take another frame.
    Take,
}

type Given = Result<Frame<Bytes>, BoxError>;

enum Out {
    End,
    Give(Given),
    /// The length of the stall.
    Pause(Duration),
}

impl Damage {
    pub(crate) fn new(fault: BodyFault, shared: &Arc<Shared>, place: Option<Place>) -> Self {
        Self {
            fault,
            shared: Arc::clone(shared),
            place,
            seen: 0,
            ready: VecDeque::new(),
            wait: None,
            is_over: false,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        loop {
            if let Some(wait) = &mut self.wait {
                ready!(wait.poll(cx));
                self.wait = None;
            }
            if self.is_over {
                return Poll::Ready(Step::End);
            }
            match self.ready.pop_front() {
                None => return Poll::Ready(Step::Take),
                Some(Out::End) => self.end(),
                Some(Out::Give(frame)) => {
                    if frame.is_err() {
                        self.end();
                    }
                    return Poll::Ready(Step::Give(frame));
                }
                Some(Out::Pause(time)) => self.wait = Wait::lasting(&self.shared, time),
            }
        }
    }

    /// Takes a frame of the inner body, or its end.
    pub(crate) fn take(&mut self, frame: Option<Given>) {
        match frame {
            None => self.take_end(),
            Some(Err(error)) => self.ready.push_back(Out::Give(Err(error))),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => self.take_data(data),
                Err(frame) => match frame.into_trailers() {
                    Ok(trailers) => self.take_trailers(trailers),
                    Err(other) => self.give(other),
                },
            },
        }
    }

    fn take_data(&mut self, mut data: Bytes) {
        let before = self.seen;
        self.seen += data.len() as u64;
        match self.fault {
            BodyFault::AlterTrailers { .. }
            | BodyFault::LoseTrailers
            | BodyFault::WrongLength { .. } => self.give(Frame::data(data)),
            BodyFault::Corrupt { after } => {
                if let Some(at) = within(after, before, data.len()) {
                    let mut affected = BytesMut::from(data);
                    affected[at] ^= 0xFF;
                    data = affected.freeze();
                }
                self.give(Frame::data(data));
            }
            BodyFault::Drip { bytes, every } => {
                while !data.is_empty() {
                    let drop = data.split_to(data.len().min(bytes as usize));
                    self.ready.push_back(Out::Pause(every));
                    self.give(Frame::data(drop));
                }
            }
            BodyFault::Reset { after } => {
                if let Some(at) = within(after, before, data.len()) {
                    self.give_some(data.split_to(at));
                    self.reset();
                } else {
                    self.give(Frame::data(data));
                }
            }
            BodyFault::Stall { after, lasting } => {
                if let Some(at) = within(after, before, data.len()) {
                    self.give_some(data.split_to(at));
                    self.ready.push_back(Out::Pause(lasting));
                }
                self.give(Frame::data(data));
            }
            BodyFault::Truncate { after } => {
                if let Some(at) = within(after, before, data.len()) {
                    self.give_some(data.split_to(at));
                    self.ready.push_back(Out::End);
                } else {
                    self.give(Frame::data(data));
                }
            }
        }
    }

    fn take_trailers(&mut self, mut trailers: HeaderMap) {
        match self.fault {
            BodyFault::AlterTrailers { grpc_status } => {
                trailers.insert("grpc-status", HeaderValue::from(u16::from(grpc_status)));
                self.give(Frame::trailers(trailers));
                self.ready.push_back(Out::End);
            }
            BodyFault::LoseTrailers => {}
            // For a body that is too short for the fault to happen earlier.
            BodyFault::Reset { .. } => self.reset(),
            _ => self.give(Frame::trailers(trailers)),
        }
    }

    fn take_end(&mut self) {
        match self.fault {
            BodyFault::AlterTrailers { grpc_status } => {
                let mut trailers = HeaderMap::new();
                trailers.insert("grpc-status", HeaderValue::from(u16::from(grpc_status)));
                self.give(Frame::trailers(trailers));
            }
            BodyFault::Reset { .. } => return self.reset(),
            _ => {}
        }
        self.ready.push_back(Out::End);
    }

    fn give(&mut self, frame: Frame<Bytes>) {
        self.ready.push_back(Out::Give(Ok(frame)));
    }

    fn give_some(&mut self, data: Bytes) {
        if !data.is_empty() {
            self.give(Frame::data(data));
        }
    }

    fn reset(&mut self) {
        let error = injected(&self.shared, FailureKind::Transport);
        self.ready.push_back(Out::Give(Err(error)));
    }

    fn end(&mut self) {
        self.is_over = true;
        self.place = None;
    }
}

/// The position of byte `after` in this frame.
fn within(after: u64, before: u64, length: usize) -> Option<usize> {
    let at = usize::try_from(after.checked_sub(before)?).ok()?;
    (at < length).then_some(at)
}
