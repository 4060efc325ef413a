use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::ReplayError;
use super::shared_buffer::Found;

/// The recorded frames of a body, within a limit of bytes and frames.
///
/// A frame may be a slice of a chunk of any size, and keeps the whole chunk in memory. So small frames are copied, and
/// so are the values of trailers. The first frame is shared, because most bodies have no other: a copy would be one
/// more allocation.
pub(super) struct Recording {
    limit: usize,
    frames: Vec<Bytes>,
    trailers: Option<HeaderMap>,
    /// The bytes of the frames and trailers.
    bytes: usize,
    /// Space for copies, after those that were made.
    space: BytesMut,
}

impl Recording {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            frames: Vec::new(),
            trailers: None,
            bytes: 0,
            space: BytesMut::new(),
        }
    }

    /// The number of frames, trailers included.
    pub(super) fn len(&self) -> usize {
        self.frames.len() + usize::from(self.trailers.is_some())
    }

    /// Returns the frame at a position, if there is one.
    pub(super) fn get(&self, at: usize) -> Option<Found> {
        match self.frames.get(at) {
            Some(data) => Some(Found::Data(data.clone())),
            None if at == self.frames.len() => self.trailers.clone().map(Found::Trailers),
            None => None,
        }
    }

    /// Records a frame of data.
    pub(super) fn push(&mut self, data: &Bytes) -> Result<(), ReplayError> {
        self.check(data.len(), 1)?;
        let kept = self.keep(data);
        self.bytes += kept.len();
        self.frames.push(kept);
        Ok(())
    }

    /// Records the trailers. Each field counts as a frame.
    pub(super) fn finish(&mut self, trailers: &HeaderMap) -> Result<(), ReplayError> {
        let length = |(name, value): (&HeaderName, &HeaderValue)| {
            name.as_str().len().saturating_add(value.len())
        };
        let bytes = trailers.iter().map(length).fold(0, usize::saturating_add);
        self.check(bytes, trailers.len())?;
        let mut kept = trailers.clone();
        kept.values_mut().for_each(copy_value);
        self.bytes += bytes;
        self.trailers = Some(kept);
        Ok(())
    }

    /// Discards everything.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.limit);
    }

    /// Checks whether there is space for this many more bytes and frames.
    fn check(&self, bytes: usize, frames: usize) -> Result<(), ReplayError> {
        let fits = bytes <= self.limit - self.bytes
            && self.frames.len() + frames <= most_frames(self.limit);
        if fits {
            Ok(())
        } else {
            Err(ReplayError::TooLarge)
        }
    }

    /// Returns a frame that keeps no large chunk in memory. The limit has space for it.
    fn keep(&mut self, data: &Bytes) -> Bytes {
        if self.frames.is_empty() || data.len() >= SHARED_FROM {
            return data.clone();
        }
        if self.space.capacity() < data.len() {
            // As much as was recorded so far, so that neither few nor many frames need much more than their bytes.
            let space = self.bytes.clamp(LEAST_SPACE, MOST_SPACE);
            let space = space.min(self.limit - self.bytes).max(data.len());
            self.space = BytesMut::with_capacity(space);
        }
        self.space.extend_from_slice(data);
        self.space.split().freeze()
    }
}

/// Replaces a value, which may be a slice of a large chunk, by a copy.
fn copy_value(value: &mut HeaderValue) {
    // Always valid, because it is the same.
    if let Ok(mut copy) = HeaderValue::from_bytes(value.as_bytes()) {
        copy.set_sensitive(value.is_sensitive());
        *value = copy;
    }
}

/// The maximum number of recorded frames. It bounds the memory of small frames: with 64 bytes or fewer, a frame
/// itself takes about as much memory as its bytes.
const fn most_frames(limit: usize) -> usize {
    64 + limit / 64
}

/// The length in bytes from which a frame is shared and not copied.
const SHARED_FROM: usize = 4 * 1024;

/// The bounds in bytes of an allocation for copies.
const LEAST_SPACE: usize = 256;
const MOST_SPACE: usize = 16 * 1024;
