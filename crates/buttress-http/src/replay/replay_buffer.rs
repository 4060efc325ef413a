use std::fmt;
use std::sync::Arc;

use buttress_core::BoxError;
use bytes::Bytes;
use http_body::Body;

use super::shared_buffer::{Position, SharedBuffer};
use super::{ReplayBody, ReplayError};

/// The recorded part of a body, and its unread rest.
pub struct ReplayBuffer<B>(pub(super) Content<B>);

pub(super) enum Content<B> {
    /// A body without frames.
    Empty,
    /// A body that is entirely in memory.
    Whole(Bytes),
    /// The recorded frames and the rest of the body.
    SharedBuffer(Arc<SharedBuffer<B>>),
}

impl<B> ReplayBuffer<B> {
    /// Returns the buffer of a body without frames.
    #[must_use]
    pub const fn empty() -> Self {
        Self(Content::Empty)
    }

    /// Returns the buffer of a body that is in memory.
    #[must_use]
    pub fn whole(bytes: Bytes) -> Self {
        Self(if bytes.is_empty() {
            Content::Empty
        } else {
            Content::Whole(bytes)
        })
    }

    /// Returns the body, if it is entirely in memory.
    #[must_use]
    pub fn as_whole(&self) -> Option<Bytes> {
        match &self.0 {
            Content::Empty => Some(Bytes::new()),
            Content::Whole(bytes) => Some(bytes.clone()),
            Content::SharedBuffer(_) => None,
        }
    }

    /// Checks whether the body can be replayed, as far as it was read.
    ///
    /// # Errors
    ///
    /// Why it cannot be replayed.
    pub fn check(&self) -> Result<(), ReplayError> {
        match &self.0 {
            Content::Empty | Content::Whole(_) => Ok(()),
            Content::SharedBuffer(reel) => reel.check(),
        }
    }

    /// Returns whether the whole body is recorded, so that several attempts can send it concurrently.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        match &self.0 {
            Content::Empty | Content::Whole(_) => true,
            Content::SharedBuffer(reel) => reel.is_complete(),
        }
    }
}

impl<B> ReplayBuffer<B>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    /// Starts to record a body of any type.
    ///
    /// # Errors
    ///
    /// The unchanged body, if its size hint exceeds `limit`.
    pub fn record(body: B, limit: usize) -> Result<Self, B> {
        if body.is_end_stream() {
            return Ok(Self(Content::Empty));
        }
        if body.size_hint().lower() > limit as u64 {
            return Err(body);
        }
        Ok(Self(Content::SharedBuffer(Arc::new(SharedBuffer::new(
            body, limit,
        )))))
    }

    /// Returns the body of the first attempt.
    #[must_use]
    pub fn first(&self) -> ReplayBody<B> {
        match &self.0 {
            Content::Empty => ReplayBody::empty(),
            Content::Whole(bytes) => ReplayBody::whole(bytes.clone()),
            Content::SharedBuffer(reel) => ReplayBody::reel(Arc::clone(reel), Position::FIRST),
        }
    }

    /// Returns the body of the next attempt, from the start. A previous attempt ends with an error at the end of the
    /// recording.
    ///
    /// # Errors
    ///
    /// Why it cannot be replayed.
    pub fn replay(&self) -> Result<ReplayBody<B>, ReplayError> {
        Ok(match &self.0 {
            Content::SharedBuffer(reel) => ReplayBody::reel(Arc::clone(reel), reel.rewind()?),
            Content::Empty | Content::Whole(_) => self.first(),
        })
    }
}

impl<B> Clone for ReplayBuffer<B> {
    fn clone(&self) -> Self {
        Self(match &self.0 {
            Content::Empty => Content::Empty,
            Content::Whole(bytes) => Content::Whole(bytes.clone()),
            Content::SharedBuffer(reel) => Content::SharedBuffer(Arc::clone(reel)),
        })
    }
}

impl<B> fmt::Debug for ReplayBuffer<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayBuffer")
            .field("is_complete", &self.is_complete())
            .finish_non_exhaustive()
    }
}
