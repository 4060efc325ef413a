use std::fmt;
use std::sync::Arc;

use buttress_core::BoxError;
use bytes::Bytes;
use http_body::Body;

use super::shared_buffer::{Position, SharedBuffer};
use super::{ReplayBody, ReplayError};

/// What has been sent of a body, and what there is left to send.
pub struct ReplayBuffer<B>(pub(super) Content<B>);

pub(super) enum Content<B> {
    /// No frames at all.
    Empty,
    /// All of it is in memory.
    Whole(Bytes),
    /// What was read so far, and the rest.
    SharedBuffer(Arc<SharedBuffer<B>>),
}

impl<B> ReplayBuffer<B> {
    /// The tape of a body without any frames.
    #[must_use]
    pub const fn empty() -> Self {
        Self(Content::Empty)
    }

    /// The tape of a body that is nothing but these bytes.
    #[must_use]
    pub fn whole(bytes: Bytes) -> Self {
        Self(if bytes.is_empty() {
            Content::Empty
        } else {
            Content::Whole(bytes)
        })
    }

    /// The bytes of the body, if all of it is in memory.
    #[must_use]
    pub fn as_whole(&self) -> Option<Bytes> {
        match &self.0 {
            Content::Empty => Some(Bytes::new()),
            Content::Whole(bytes) => Some(bytes.clone()),
            Content::SharedBuffer(_) => None,
        }
    }

    /// Whether it can be played, as far as it was read.
    ///
    /// # Errors
    ///
    /// Why it cannot.
    pub fn check(&self) -> Result<(), ReplayError> {
        match &self.0 {
            Content::Empty | Content::Whole(_) => Ok(()),
            Content::SharedBuffer(reel) => reel.check(),
        }
    }

    /// Whether all of the body is recorded, so that several attempts can send it at once.
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
    /// The tape of any body.
    ///
    /// # Errors
    ///
    /// The body as it is, if it says that it has more than `limit` bytes.
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

    /// The body of the first attempt.
    #[must_use]
    pub fn first(&self) -> ReplayBody<B> {
        match &self.0 {
            Content::Empty => ReplayBody::empty(),
            Content::Whole(bytes) => ReplayBody::whole(bytes.clone()),
            Content::SharedBuffer(reel) => ReplayBody::reel(Arc::clone(reel), Position::FIRST),
        }
    }

    /// The body of another attempt, from the start. Whatever played before ends with an error where the recording
    /// ends.
    ///
    /// # Errors
    ///
    /// Why it cannot be played.
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
