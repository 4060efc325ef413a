use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use buttress_core::BoxError;
use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};

use super::replay_buffer::Content;
use super::shared_buffer::{Found, Position, SharedBuffer};
use super::{Replay, ReplayBuffer, ReplayError};

/// A body that is recorded while it is sent, or replayed from the recording.
///
/// In each attempt, frames and trailers, [`size_hint`](Body::size_hint) and [`is_end_stream`](Body::is_end_stream)
/// are those of the inner body.
///
/// ```
/// use buttress_http::{Replay, ReplayBody};
/// use bytes::Bytes;
/// use http_body_util::{BodyExt, Full};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), buttress_core::BoxError> {
/// let body = ReplayBody::new(Full::<Bytes>::from("hello"));
/// let (first, tape) = body.record(64 * 1024).expect("it is small enough");
/// assert_eq!(first.collect().await?.to_bytes(), "hello");
///
/// let second = ReplayBody::replay(&tape)?;
/// assert_eq!(second.collect().await?.to_bytes(), "hello");
/// # Ok(())
/// # }
/// ```
pub struct ReplayBody<B>(State<B>);

enum State<B> {
    /// Not recorded yet.
    New(B),
    Empty,
    Whole(Bytes),
    SharedBuffer {
        reel: Arc<SharedBuffer<B>>,
        at: Position,
        sent: u64,
    },
}

impl<B> ReplayBody<B> {
    /// Wraps a body so that it can be recorded.
    pub fn new(body: B) -> Self {
        Self(State::New(body))
    }

    pub(super) fn empty() -> Self {
        Self(State::Empty)
    }

    pub(super) fn whole(bytes: Bytes) -> Self {
        Self(State::Whole(bytes))
    }

    pub(super) fn reel(reel: Arc<SharedBuffer<B>>, at: Position) -> Self {
        Self(State::SharedBuffer { reel, at, sent: 0 })
    }
}

impl<B> Body for ReplayBody<B>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let found = match &mut self.0 {
            State::New(body) => {
                let frame = ready!(Pin::new(body).poll_frame(cx));
                return Poll::Ready(frame.map(|frame| match frame {
                    Ok(frame) => {
                        Ok(frame.map_data(|mut data| data.copy_to_bytes(data.remaining())))
                    }
                    Err(error) => Err(error.into()),
                }));
            }
            State::Empty => return Poll::Ready(None),
            State::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                self.0 = State::Empty;
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            State::SharedBuffer { reel, at, sent } => {
                let found = ready!(reel.poll(at, cx));
                if let Ok(Found::Data(data)) = &found {
                    *sent = sent.saturating_add(data.len() as u64);
                }
                found
            }
        };
        Poll::Ready(match found {
            Ok(Found::Data(data)) => Some(Ok(Frame::data(data))),
            Ok(Found::Trailers(trailers)) => Some(Ok(Frame::trailers(trailers))),
            Ok(Found::End) => None,
            Err(error) => Some(Err(error)),
        })
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            State::New(body) => body.is_end_stream(),
            State::Empty => true,
            State::Whole(_) => false,
            State::SharedBuffer { reel, at, .. } => reel.is_at_end(*at),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            State::New(body) => body.size_hint(),
            State::Empty => SizeHint::with_exact(0),
            State::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            State::SharedBuffer { reel, sent, .. } => less(reel.hint(), *sent),
        }
    }
}

impl<B> Replay for ReplayBody<B>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    type Source = B;

    fn record(self, limit: usize) -> Result<(Self, ReplayBuffer<B>), Self> {
        let tape = match self.0 {
            State::New(body) => ReplayBuffer::record(body, limit).map_err(Self::new)?,
            State::Empty => ReplayBuffer(Content::Empty),
            State::Whole(bytes) if bytes.len() <= limit => ReplayBuffer::whole(bytes),
            // An outer layer already records it; a second recording would only cost memory.
            State::SharedBuffer { reel, at, sent: 0 } => {
                let tape = ReplayBuffer(Content::SharedBuffer(Arc::clone(&reel)));
                return Ok((Self(State::SharedBuffer { reel, at, sent: 0 }), tape));
            }
            State::SharedBuffer { .. } | State::Whole(_) => return Err(self),
        };
        let first = tape.first();
        Ok((first, tape))
    }

    fn replay(tape: &ReplayBuffer<B>) -> Result<Self, ReplayError> {
        tape.replay()
    }
}

impl<B> From<B> for ReplayBody<B> {
    fn from(body: B) -> Self {
        Self::new(body)
    }
}

impl<B: Default> Default for ReplayBody<B> {
    fn default() -> Self {
        Self::new(B::default())
    }
}

impl<B> fmt::Debug for ReplayBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayBody")
            .field("is_recorded", &!matches!(self.0, State::New(_)))
            .finish_non_exhaustive()
    }
}

/// The size hint of the whole body minus the bytes already sent.
fn less(hint: &SizeHint, sent: u64) -> SizeHint {
    let mut rest = SizeHint::new();
    rest.set_lower(hint.lower().saturating_sub(sent));
    if let Some(upper) = hint.upper() {
        rest.set_upper(upper.saturating_sub(sent));
    }
    rest
}
