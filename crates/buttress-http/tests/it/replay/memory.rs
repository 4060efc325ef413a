//! A replay buffer keeps about as much memory as its limit, whatever the frames.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use buttress_http::{ReplayBody, ReplayBuffer, ReplayError};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body, Frame};
use http_body_util::BodyExt;

const CHUNK: usize = 256 * 1024;

/// A body of frames, then trailers.
#[derive(Default)]
struct Frames {
    data: VecDeque<Bytes>,
    trailers: Option<HeaderMap>,
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = self.data.pop_front().map(Frame::data);
        let frame = data.or_else(|| self.trailers.take().map(Frame::trailers));
        Poll::Ready(frame.map(Ok))
    }
}

/// A chunk that counts its owners.
struct Chunk(
    Vec<u8>,
    #[expect(dead_code, reason = "it is counted")] Arc<()>,
);

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

fn chunk(alive: &Arc<()>) -> Bytes {
    Bytes::from_owner(Chunk(vec![b'x'; CHUNK], Arc::clone(alive)))
}

fn record(body: Frames, limit: usize) -> ReplayBuffer<Frames> {
    ReplayBuffer::record(body, limit).ok().unwrap()
}

async fn frames(mut body: ReplayBody<Frames>) -> (Vec<Bytes>, Option<HeaderMap>) {
    let (mut data, mut trailers) = (Vec::new(), None);
    while let Some(frame) = body.frame().await {
        match frame.unwrap().into_data() {
            Ok(frame) => data.push(frame),
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
    }
    (data, trailers)
}

async fn fits(data: &'static str, trailers: HeaderMap, limit: usize) -> bool {
    let body = Frames {
        data: [Bytes::from_static(data.as_bytes())].into(),
        trailers: Some(trailers.clone()),
    };
    let buffer = record(body, limit);
    // The first attempt sends the trailers in either case.
    assert_eq!(frames(buffer.first()).await.1, Some(trailers.clone()));
    match buffer.replay() {
        Ok(again) => {
            assert_eq!(frames(again).await.1, Some(trailers));
            assert!(buffer.is_complete());
            true
        }
        Err(why) => {
            assert_eq!(why, ReplayError::TooLarge);
            assert!(!buffer.is_complete());
            false
        }
    }
}

#[tokio::test]
async fn trailers_count_against_the_limit() {
    let one = |length: usize| {
        let value = HeaderValue::try_from("x".repeat(length)).unwrap();
        HeaderMap::from_iter([(HeaderName::from_static("sum"), value)])
    };
    assert!(fits("hello", one(64 - 5 - 3), 64).await);
    assert!(!fits("hello", one(64 - 5 - 3 + 1), 64).await);
    assert!(!fits("hello", one(1024 * 1024), 64).await);

    // Each field takes memory of its own.
    let many = |fields: usize| {
        let mut trailers = HeaderMap::new();
        for _ in 0..fields {
            trailers.append("a", HeaderValue::from_static(""));
        }
        trailers
    };
    assert!(fits("hello", many(64 + 100 - 1), 6_400).await);
    assert!(!fits("hello", many(64 + 100), 6_400).await);
}

/// A parser cuts small fields out of large chunks.
#[tokio::test]
async fn small_frames_keep_no_large_chunks() {
    for (length, kept) in [(1, 1), (63, 1), (4_095, 1), (4_096, 16)] {
        let alive = Arc::new(());
        let data = (0..16).map(|_| chunk(&alive).slice(..length)).collect();
        let trailers = None;
        let buffer = record(Frames { data, trailers }, 64 * 1024);
        frames(buffer.first()).await;
        assert_eq!(Arc::strong_count(&alive) - 1, kept, "{length}");

        let (again, _) = frames(buffer.replay().unwrap()).await;
        assert_eq!(again.len(), 16);
        assert!(again.iter().all(|frame| frame.len() == length));
        assert!(again.concat().iter().all(|byte| *byte == b'x'));
    }
}

#[tokio::test]
async fn trailers_keep_no_large_chunks() {
    let alive = Arc::new(());
    let mut value = HeaderValue::from_maybe_shared(chunk(&alive).slice(..9)).unwrap();
    value.set_sensitive(true);
    let trailers = HeaderMap::from_iter([(HeaderName::from_static("sum"), value)]);
    let body = Frames {
        trailers: Some(trailers),
        ..Frames::default()
    };
    let buffer = record(body, 64);
    frames(buffer.first()).await;
    assert_eq!(Arc::strong_count(&alive) - 1, 0);
    let (_, trailers) = frames(buffer.replay().unwrap()).await;
    let trailers = trailers.unwrap();
    assert_eq!(trailers["sum"], "xxxxxxxxx");
    assert!(trailers["sum"].is_sensitive());
}

/// A copy would be an allocation, and most bodies have one frame.
#[tokio::test]
async fn the_first_frame_and_large_frames_are_not_copied() {
    let lengths = [5, 4_096, 3, 0, 4_095, 100_000, 1, 2_000];
    let sent: Vec<_> = (b'a'..)
        .zip(lengths)
        .map(|(letter, length)| Bytes::from(vec![letter; length]))
        .collect();
    let data = sent.iter().cloned().collect();
    let trailers = None;
    let buffer = record(Frames { data, trailers }, 1024 * 1024);
    assert_eq!(frames(buffer.first()).await.0, sent);
    for _ in 0..2 {
        let (again, _) = frames(buffer.replay().unwrap()).await;
        let recorded: Vec<_> = sent.iter().filter(|frame| !frame.is_empty()).collect();
        assert_eq!(again.iter().collect::<Vec<_>>(), recorded);
        for (n, (frame, original)) in again.iter().zip(recorded).enumerate() {
            let is_shared = frame.as_ptr() == original.as_ptr();
            assert_eq!(is_shared, n == 0 || frame.len() >= 4_096, "{n}");
        }
    }
}
