//! Request bodies that can be sent more than once.

mod body;
mod hosts;
mod recording;
mod replay_buffer;
mod shared_buffer;

use std::fmt;

pub use body::ReplayBody;
use http_body::Body;
pub use replay_buffer::ReplayBuffer;

/// A request body that can be sent again: the frames sent are recorded, up to a limit, as long as another attempt is
/// possible.
///
/// Implemented for the bodies of reqwest, axum and tonic (behind features of these names), and for [`ReplayBody`],
/// which wraps any other body before it reaches the layer that replays it.
///
/// Recording is lazy: the body is read only when an attempt polls it, and a later attempt continues to read where the
/// recording ends.
///
/// The first frame and frames of at least 4 KiB are shared and not copied. Smaller frames are copied, because a small
/// frame may be a slice of a large chunk, and would keep the whole chunk in memory. So a recording keeps at most one
/// chunk, and one more for each 4 KiB of the limit.
pub trait Replay: Body + Sized {
    /// The body that is read: usually `Self`.
    type Source;

    /// Starts to record up to `limit` bytes, in at most 64 frames plus one for each 64 bytes of the limit. Trailers
    /// count with the bytes of their names and values, and each field as a frame. Returns the body of the first
    /// attempt, and the buffer for the following attempts.
    ///
    /// # Errors
    ///
    /// The unchanged body, if its size hint exceeds `limit`.
    fn record(self, limit: usize) -> Result<(Self, ReplayBuffer<Self::Source>), Self>;

    /// Returns the body of the next attempt. The previous attempt can no longer read the source.
    ///
    /// # Errors
    ///
    /// Why the body cannot be replayed.
    fn replay(tape: &ReplayBuffer<Self::Source>) -> Result<Self, ReplayError>;
}

/// Why a body cannot be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayError {
    /// The body failed while it was read.
    Failed,
    /// The body, with its trailers, was larger than the limit.
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
