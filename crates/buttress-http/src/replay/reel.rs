use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use buttress_core::BoxError;
use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use super::Unplayable;

/// A body that is read once and played many times, by one player after the other.
///
/// The player that began last owns the source: only it may read on past what is recorded. The source is taken out
/// of the lock while it is polled, and a player that comes in between waits for it.
pub(super) struct Reel<B> {
    hint: SizeHint,
    limit: usize,
    inner: Mutex<Inner<B>>,
}

struct Inner<B> {
    source: Source<B>,
    data: Vec<Bytes>,
    recorded: usize,
    trailers: Option<HeaderMap>,
    /// The number of the player that owns the source.
    player: u64,
    waiting: Option<Waker>,
    /// Set when what was recorded is thrown away, or never was all of it.
    lost: Option<Unplayable>,
}

enum Source<B> {
    Ended,
    Here(B),
    /// In the hands of a player that polls it.
    Lent,
}

/// Where a player stands on the reel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Position {
    player: u64,
    frame: usize,
}

impl Position {
    /// Where the player of the first attempt begins.
    pub(super) const FIRST: Self = Self {
        player: 0,
        frame: 0,
    };
}

/// What a player finds at its position.
pub(super) enum Found {
    Data(Bytes),
    Trailers(HeaderMap),
    End,
}

impl<B> Reel<B> {
    pub(super) fn is_complete(&self) -> bool {
        let inner = self.lock();
        inner.lost.is_none() && matches!(inner.source, Source::Ended)
    }

    pub(super) fn check(&self) -> Result<(), Unplayable> {
        self.lock().lost.map_or(Ok(()), Err)
    }

    /// A player at the start, who takes the source over.
    pub(super) fn rewind(&self) -> Result<Position, Unplayable> {
        let mut inner = self.lock();
        if let Some(lost) = inner.lost {
            return Err(lost);
        }
        inner.player += 1;
        Ok(Position {
            player: inner.player,
            frame: 0,
        })
    }

    /// Whether nothing follows a position.
    pub(super) fn is_at_end(&self, at: Position) -> bool {
        let inner = self.lock();
        let played = at.frame >= inner.data.len() + usize::from(inner.trailers.is_some());
        // Frames that were not kept are behind the only player there is.
        matches!(inner.source, Source::Ended) && (played || inner.lost.is_some())
    }

    /// What is known of the whole body's size.
    pub(super) fn hint(&self) -> &SizeHint {
        &self.hint
    }

    fn lock(&self) -> MutexGuard<'_, Inner<B>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B> Reel<B>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    pub(super) fn new(body: B, limit: usize) -> Self {
        Self {
            hint: body.size_hint(),
            limit,
            inner: Mutex::new(Inner {
                source: Source::Here(body),
                data: Vec::new(),
                recorded: 0,
                trailers: None,
                player: 0,
                waiting: None,
                lost: None,
            }),
        }
    }

    /// Plays the next frame, or reads it.
    pub(super) fn poll(
        &self,
        at: &mut Position,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Found, BoxError>> {
        let mut inner = self.lock();
        if let Some(found) = inner.play(at) {
            return Poll::Ready(Ok(found));
        }
        if inner.player != at.player {
            // Another attempt has begun, so nobody waits for what this one sends.
            return Poll::Ready(Err(Superseded.into()));
        }
        let mut source = match std::mem::replace(&mut inner.source, Source::Lent) {
            Source::Here(source) => Borrowed {
                reel: self,
                source: Some(source),
            },
            Source::Ended => {
                inner.source = Source::Ended;
                let failed = inner.lost == Some(Unplayable::Failed);
                return Poll::Ready(if failed {
                    Err(Unplayable::Failed.into())
                } else {
                    Ok(Found::End)
                });
            }
            Source::Lent => {
                inner.waiting = Some(cx.waker().clone());
                return Poll::Pending;
            }
        };
        drop(inner);
        let polled = source.poll(cx);
        source.give_back(at, polled)
    }
}

impl<B> Inner<B> {
    /// What is recorded at a position, if the recording reaches that far.
    fn play(&self, at: &mut Position) -> Option<Found> {
        let found = match self.data.get(at.frame) {
            Some(data) => Found::Data(data.clone()),
            None if at.frame == self.data.len() => Found::Trailers(self.trailers.clone()?),
            None => return None,
        };
        at.frame += 1;
        Some(found)
    }

    fn lose(&mut self, why: Unplayable) {
        self.lost = Some(why);
        self.data = Vec::new();
        self.trailers = None;
    }
}

/// What a poll of a body answers.
type Polled<B> = Poll<Option<Result<Frame<<B as Body>::Data>, <B as Body>::Error>>>;

/// The source, out of the lock while it is polled. If that panics the body has failed.
struct Borrowed<'a, B> {
    reel: &'a Reel<B>,
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

    /// Puts the source back, and records what it gave.
    fn give_back(mut self, at: &mut Position, polled: Polled<B>) -> Poll<Result<Found, BoxError>> {
        let source = self.source.take();
        let mut inner = self.reel.lock();
        if let Some(waiting) = inner.waiting.take() {
            waiting.wake();
        }
        let is_over = match &polled {
            Poll::Pending => false,
            Poll::Ready(Some(Ok(_))) => source.as_ref().is_none_or(Body::is_end_stream),
            Poll::Ready(Some(Err(_)) | None) => true,
        };
        inner.source = match source {
            Some(source) if !is_over => Source::Here(source),
            _ => Source::Ended,
        };
        let frame = match polled {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(None) => return Poll::Ready(Ok(Found::End)),
            Poll::Ready(Some(Err(error))) => {
                inner.lose(Unplayable::Failed);
                return Poll::Ready(Err(error.into()));
            }
            Poll::Ready(Some(Ok(frame))) => frame,
        };
        let found = match frame.into_data() {
            Ok(mut data) => Found::Data(data.copy_to_bytes(data.remaining())),
            Err(frame) => match frame.into_trailers() {
                Ok(trailers) => Found::Trailers(trailers),
                // Neither data nor trailers: there is no third kind today.
                Err(_) => return Poll::Ready(Ok(Found::End)),
            },
        };
        if inner.lost.is_none() {
            match &found {
                Found::Data(data) if inner.recorded + data.len() > self.reel.limit => {
                    inner.lose(Unplayable::TooLarge);
                }
                Found::Data(data) => {
                    inner.recorded += data.len();
                    inner.data.push(data.clone());
                }
                Found::Trailers(trailers) => inner.trailers = Some(trailers.clone()),
                Found::End => {}
            }
        }
        at.frame += 1;
        Poll::Ready(Ok(found))
    }
}

impl<B> Drop for Borrowed<'_, B> {
    fn drop(&mut self) {
        if self.source.take().is_some() {
            let mut inner = self.reel.lock();
            inner.source = Source::Ended;
            inner.lose(Unplayable::Failed);
            if let Some(waiting) = inner.waiting.take() {
                waiting.wake();
            }
        }
    }
}

/// What an attempt reads that another one has taken over from.
#[derive(Debug)]
struct Superseded;

impl std::fmt::Display for Superseded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("another attempt sends this body now")
    }
}

impl std::error::Error for Superseded {}
