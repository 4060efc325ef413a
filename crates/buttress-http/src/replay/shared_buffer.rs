use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use buttress_core::BoxError;
use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use super::ReplayError;
use super::recording::Recording;

/// A body that is read once and replayed by several readers, one after the other.
///
/// The newest reader owns the source: only it may read beyond the recording. The source is taken out of the lock
/// while it is polled, and a new reader waits until it is returned. The previous reader is woken when it is replaced,
/// because from then on the source wakes only its new owner.
pub(super) struct SharedBuffer<B> {
    hint: SizeHint,
    inner: Mutex<Inner<B>>,
}

struct Inner<B> {
    source: Source<B>,
    recording: Recording,
    /// The number of the reader that owns the source.
    player: u64,
    /// The task of that reader, while it waits.
    waiting: Option<Waker>,
    /// Set when the recording was discarded or is incomplete.
    lost: Option<ReplayError>,
}

enum Source<B> {
    Ended,
    Here(B),
    /// Taken out by the reader that polls it.
    Lent,
}

/// The position of a reader in the recording.
#[derive(Debug, Clone, Copy)]
pub(super) struct Position {
    player: u64,
    frame: usize,
}

impl Position {
    /// The start, for the reader of the first attempt.
    pub(super) const FIRST: Self = Self {
        player: 0,
        frame: 0,
    };
}

/// What is at a reader's position.
pub(super) enum Found {
    Data(Bytes),
    Trailers(HeaderMap),
    End,
}

impl<B> SharedBuffer<B> {
    pub(super) fn is_complete(&self) -> bool {
        let inner = self.lock();
        inner.lost.is_none() && matches!(inner.source, Source::Ended)
    }

    pub(super) fn check(&self) -> Result<(), ReplayError> {
        self.lock().lost.map_or(Ok(()), Err)
    }

    /// Returns a position at the start, for a new reader that takes over the source.
    pub(super) fn rewind(&self) -> Result<Position, ReplayError> {
        let mut inner = self.lock();
        if let Some(lost) = inner.lost {
            return Err(lost);
        }
        inner.player += 1;
        let player = inner.player;
        let waiting = inner.waiting.take();
        drop(inner);
        if let Some(waiting) = waiting {
            waiting.wake();
        }
        Ok(Position { player, frame: 0 })
    }

    /// Whether no frame follows a position.
    pub(super) fn is_at_end(&self, at: Position) -> bool {
        let inner = self.lock();
        let played = match inner.lost {
            None => at.frame >= inner.recording.len(),
            // Frames that were not recorded have been sent by the reader that read them. An earlier reader has not
            // sent them, and would treat a partial body as complete.
            Some(ReplayError::TooLarge) => inner.player == at.player,
            Some(ReplayError::Failed) => false,
        };
        played && matches!(inner.source, Source::Ended)
    }

    /// The size hint of the whole body.
    pub(super) fn hint(&self) -> &SizeHint {
        &self.hint
    }

    fn lock(&self) -> MutexGuard<'_, Inner<B>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B> SharedBuffer<B>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    pub(super) fn new(body: B, limit: usize) -> Self {
        Self {
            hint: body.size_hint(),
            inner: Mutex::new(Inner {
                source: Source::Here(body),
                recording: Recording::new(limit),
                player: 0,
                waiting: None,
                lost: None,
            }),
        }
    }

    /// Returns the next frame of the recording, or of the source.
    pub(super) fn poll(
        &self,
        at: &mut Position,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Found, BoxError>> {
        let mut inner = self.lock();
        if let Some(found) = inner.replay(at) {
            return Poll::Ready(Ok(found));
        }
        if matches!(inner.source, Source::Ended) && inner.lost.is_none() {
            // The whole body is recorded and was replayed, so concurrent attempts end in the same way.
            return Poll::Ready(Ok(Found::End));
        }
        if inner.player != at.player {
            // Another attempt has begun, so the frames of this one are not needed.
            return Poll::Ready(Err(Superseded.into()));
        }
        let mut source = match std::mem::replace(&mut inner.source, Source::Lent) {
            Source::Here(source) => Borrowed {
                reel: self,
                source: Some(source),
            },
            Source::Ended => {
                inner.source = Source::Ended;
                let failed = inner.lost == Some(ReplayError::Failed);
                return Poll::Ready(if failed {
                    Err(ReplayError::Failed.into())
                } else {
                    Ok(Found::End)
                });
            }
            Source::Lent => {
                let before = inner.waiting.replace(cx.waker().clone());
                drop(inner);
                drop(before);
                return Poll::Pending;
            }
        };
        drop(inner);
        let polled = source.poll(cx);
        source.give_back(at, polled, cx)
    }
}

impl<B> Inner<B> {
    /// Returns the recorded frame at a position, if there is one.
    fn replay(&self, at: &mut Position) -> Option<Found> {
        let found = self.recording.get(at.frame)?;
        at.frame += 1;
        Some(found)
    }

    /// Records a frame, if there is space and nothing has failed.
    fn record(&mut self, found: &Result<Found, BoxError>) {
        if self.lost.is_some() {
            return;
        }
        let recorded = match found {
            // An empty frame is not recorded: it has no effect, and a peer may send any number of them.
            Ok(found) if found.is_empty() => Ok(()),
            Ok(Found::Data(data)) => self.recording.push(data),
            Ok(Found::Trailers(trailers)) => self.recording.finish(trailers),
            Ok(Found::End) => Ok(()),
            Err(_) => Err(ReplayError::Failed),
        };
        if let Err(why) = recorded {
            self.lose(why);
        }
    }

    fn lose(&mut self, why: ReplayError) {
        self.lost = Some(why);
        self.recording.clear();
    }
}

impl Found {
    /// Whether it is an empty data frame.
    fn is_empty(&self) -> bool {
        matches!(self, Self::Data(data) if data.is_empty())
    }
}

/// The result of polling a body.
type Polled<B> = Poll<Option<Result<Frame<<B as Body>::Data>, <B as Body>::Error>>>;

/// The source, out of the lock while it is polled. If it panics, the body has failed.
struct Borrowed<'a, B> {
    reel: &'a SharedBuffer<B>,
    source: Option<B>,
}

impl<B> Borrowed<'_, B>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> Polled<B> {
        match &mut self.source {
            Some(source) => Pin::new(source).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    /// Returns the source and records its frame. Foreign code is polled while the source is out, where a panic is
    /// handled, and dropped and woken outside the lock.
    fn give_back(
        mut self,
        at: &mut Position,
        polled: Polled<B>,
        cx: &Context<'_>,
    ) -> Poll<Result<Found, BoxError>> {
        let (found, is_over) = match polled {
            Poll::Pending => (Poll::Pending, false),
            Poll::Ready(frame) => {
                let is_last = self.source.as_ref().is_none_or(Body::is_end_stream);
                let found = read(frame);
                let is_over = is_last || matches!(found, Ok(Found::End) | Err(_));
                (Poll::Ready(found), is_over)
            }
        };
        let waits = found.is_pending().then(|| cx.waker().clone());
        let source = self.source.take().filter(|_| !is_over);

        let mut inner = self.reel.lock();
        inner.source = source.map_or(Source::Ended, Source::Here);
        if let Poll::Ready(found) = &found {
            inner.record(found);
            at.frame += usize::from(!found.as_ref().is_ok_and(Found::is_empty));
        }
        if inner.player == at.player {
            let before = std::mem::replace(&mut inner.waiting, waits);
            drop(inner);
            drop(before);
            return found;
        }
        let owner = inner.waiting.take();
        drop(inner);
        if let Some(owner) = owner {
            owner.wake();
        }
        match found {
            Poll::Pending => Poll::Ready(Err(Superseded.into())),
            found => found,
        }
    }
}

/// Converts a frame, or the end of the body.
fn read<D, E>(frame: Option<Result<Frame<D>, E>>) -> Result<Found, BoxError>
where
    D: Buf,
    E: Into<BoxError>,
{
    let frame = match frame {
        None => return Ok(Found::End),
        Some(frame) => frame.map_err(Into::into)?,
    };
    match frame.into_data() {
        Ok(mut data) => Ok(Found::Data(data.copy_to_bytes(data.remaining()))),
        // A frame that is neither data nor trailers would be the end; http-body has no third kind.
        Err(frame) => Ok(frame.into_trailers().map_or(Found::End, Found::Trailers)),
    }
}

impl<B> Drop for Borrowed<'_, B> {
    fn drop(&mut self) {
        if self.source.take().is_some() {
            let mut inner = self.reel.lock();
            inner.source = Source::Ended;
            inner.lose(ReplayError::Failed);
            let waiting = inner.waiting.take();
            drop(inner);
            if let Some(waiting) = waiting {
                waiting.wake();
            }
        }
    }
}

/// The error of an attempt that was replaced by a later one.
#[derive(Debug)]
struct Superseded;

impl std::fmt::Display for Superseded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("another attempt sends this body now")
    }
}

impl std::error::Error for Superseded {}
