//! `Replay` for the bodies of reqwest, axum and tonic.

#[cfg(any(feature = "axum", feature = "reqwest", feature = "tonic"))]
use super::{Replay, ReplayBuffer, ReplayError};

#[cfg(feature = "axum")]
use http_body::Body as _;

#[cfg(feature = "axum")]
#[cfg_attr(docsrs, doc(cfg(feature = "axum")))]
impl Replay for axum_core::body::Body {
    type Source = Self;

    fn record(self, limit: usize) -> Result<(Self, ReplayBuffer<Self>), Self> {
        if self.is_end_stream() {
            return Ok((self, ReplayBuffer::empty()));
        }
        let tape = ReplayBuffer::record(self, limit)?;
        Ok((Self::new(tape.first()), tape))
    }

    fn replay(tape: &ReplayBuffer<Self>) -> Result<Self, ReplayError> {
        tape.replay().map(Self::new)
    }
}

/// A body in memory stays in memory, so that redirects work: reqwest follows a redirect that repeats the body (307,
/// 308) only if the body can be cloned.
#[cfg(feature = "reqwest")]
#[cfg_attr(docsrs, doc(cfg(feature = "reqwest")))]
impl Replay for reqwest::Body {
    type Source = Self;

    fn record(self, limit: usize) -> Result<(Self, ReplayBuffer<Self>), Self> {
        let tape = match self.as_bytes() {
            Some(bytes) if bytes.len() > limit => return Err(self),
            Some(bytes) => {
                let tape = ReplayBuffer::whole(bytes::Bytes::copy_from_slice(bytes));
                return Ok((self, tape));
            }
            None => ReplayBuffer::record(self, limit)?,
        };
        Ok((Self::wrap(tape.first()), tape))
    }

    fn replay(tape: &ReplayBuffer<Self>) -> Result<Self, ReplayError> {
        Ok(match tape.as_whole() {
            Some(bytes) => Self::from(bytes),
            None => Self::wrap(tape.replay()?),
        })
    }
}

#[cfg(feature = "tonic")]
#[cfg_attr(docsrs, doc(cfg(feature = "tonic")))]
impl Replay for tonic::body::Body {
    type Source = Self;

    fn record(self, limit: usize) -> Result<(Self, ReplayBuffer<Self>), Self> {
        let tape = ReplayBuffer::record(self, limit)?;
        Ok((Self::new(tape.first()), tape))
    }

    fn replay(tape: &ReplayBuffer<Self>) -> Result<Self, ReplayError> {
        tape.replay().map(Self::new)
    }
}
