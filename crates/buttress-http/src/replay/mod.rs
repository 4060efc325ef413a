//! Request bodies that can be sent more than once.

mod body;
mod hosts;
mod replay_buffer;
mod shared_buffer;

use std::fmt;

pub use body::ReplayBody;
use http_body::Body;
pub use replay_buffer::ReplayBuffer;

/// A request body that can be sent again: what is sent of it is recorded, up to a limit, for as long as another
/// attempt may follow.
///
/// It is implemented for the bodies of reqwest, axum and tonic (behind the features of these names), and for
/// [`ReplayBody`], which any other body can be wrapped into before it comes to the layer that replays it.
///
/// Recording is lazy: nothing is read before the first attempt asks for it, data that is [`Bytes`](bytes::Bytes)
/// is shared and not copied, and a later attempt goes on where the recording ends.
pub trait Replay: Body + Sized {
    /// The body that is read: mostly this one.
    type Source;

    /// Begins to record up to `limit` bytes, in at most 64 frames and one more for each 64 bytes of the limit. Returns
    /// the body to send first, and the tape to play the next from.
    ///
    /// # Errors
    ///
    /// The body as it is, if it says that it has more than `limit` bytes.
    fn record(self, limit: usize) -> Result<(Self, ReplayBuffer<Self::Source>), Self>;

    /// The body of another attempt, which takes over from the one before.
    ///
    /// # Errors
    ///
    /// Why there is none.
    fn replay(tape: &ReplayBuffer<Self::Source>) -> Result<Self, ReplayError>;
}

/// Why a body cannot be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayError {
    /// It failed while it was read.
    Failed,
    /// It turned out to be larger than the limit.
    TooLarge,
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failed => "the request body failed while it was read",
            Self::TooLarge => "the request body is too large to be sent again",
        })
    }
}

impl std::error::Error for ReplayError {}
