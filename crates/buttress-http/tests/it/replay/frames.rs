//! A replay has the same frames as the body, whatever was read of it before.

use std::task::Poll;

use buttress_core::BoxError;
use buttress_http::{Replay, ReplayBody, ReplayBuffer, ReplayError};
use buttress_testkit::{CountingWaker, TestBody};
use bytes::Bytes;
use http_body::Body;
use http_body_util::{BodyExt, Collected};
use proptest::prelude::*;

const LIMIT: usize = 64;

fn tape(body: TestBody) -> ReplayBuffer<TestBody> {
    ReplayBuffer::record(body, LIMIT).expect("it declares less than the limit")
}

/// Reads a number of frames.
pub(crate) fn read(body: &mut ReplayBody<TestBody>, frames: usize) {
    let task = CountingWaker::new();
    let mut left = frames;
    while left > 0 {
        match task.poll(|cx| std::pin::Pin::new(&mut *body).poll_frame(cx)) {
            Poll::Ready(Some(_)) => left -= 1,
            Poll::Ready(None) => return,
            Poll::Pending => {}
        }
    }
}

async fn collect(body: ReplayBody<TestBody>) -> Result<Collected<Bytes>, BoxError> {
    body.collect().await
}

#[tokio::test]
async fn data_and_trailers_are_replayed() {
    let body = || {
        TestBody::empty()
            .data("he")
            .pending()
            .data("llo")
            .trailer("a", "b")
    };
    for read_before in 0..=4 {
        let tape = tape(body());
        let mut first = tape.first();
        read(&mut first, read_before);
        drop(first);
        for _ in 0..3 {
            let played = collect(tape.replay().unwrap()).await.unwrap();
            assert_eq!(played.trailers().unwrap()["a"], "b");
            assert_eq!(played.to_bytes(), "hello");
        }
        assert!(tape.is_complete());
    }
}

#[test]
fn hints_shrink_as_the_body_is_sent_in_every_attempt() {
    let tape = tape(TestBody::empty().data("he").data("llo"));
    let mut body = tape.first();
    for _ in 0..2 {
        assert_eq!(body.size_hint().exact(), Some(5));
        assert!(!body.is_end_stream());
        read(&mut body, 1);
        assert_eq!(body.size_hint().exact(), Some(3));
        assert!(!body.is_end_stream());
        read(&mut body, 1);
        assert_eq!(body.size_hint().exact(), Some(0));
        assert!(body.is_end_stream());
        body = tape.replay().unwrap();
    }
}

#[test]
fn a_body_without_frames_is_at_its_end_each_time() {
    let tape = tape(TestBody::empty());
    for body in [tape.first(), tape.replay().unwrap()] {
        assert!(body.is_end_stream());
        assert_eq!(body.size_hint().exact(), Some(0));
    }
}

#[test]
fn a_body_with_a_hint_above_the_limit_is_returned_unchanged() {
    let body = TestBody::empty().data("x").declare(LIMIT as u64 + 1);
    let body = ReplayBuffer::record(body, LIMIT).expect_err("it declares more than the limit");
    assert_eq!(body.size_hint().exact(), Some(LIMIT as u64 + 1));
}

/// Its length is not known until it is read. The first attempt sends it all the same.
#[tokio::test]
async fn a_body_that_grows_too_large_is_sent_once() {
    let long: &'static str = Box::leak("x".repeat(LIMIT).into_boxed_str());
    let body = TestBody::empty().data("1").data(long).data("2").declare(0);
    let tape = tape(body);
    let sent = collect(tape.first()).await.unwrap().to_bytes();
    assert_eq!(sent.len(), LIMIT + 2);
    assert_eq!(tape.check(), Err(ReplayError::TooLarge));
    assert_eq!(tape.replay().err(), Some(ReplayError::TooLarge));
    assert!(!tape.is_complete());
}

#[tokio::test]
async fn a_body_that_failed_cannot_be_replayed() {
    let tape = tape(
        TestBody::empty()
            .data("he")
            .err("upload broke off")
            .declare(5),
    );
    let error = collect(tape.first()).await.unwrap_err();
    assert_eq!(error.to_string(), "upload broke off");
    assert_eq!(tape.replay().err(), Some(ReplayError::Failed));
}

#[test]
fn a_body_that_panics_has_failed() {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    let tape = tape(TestBody::empty().panic().data("x"));
    let mut body = tape.first();
    let read = AssertUnwindSafe(|| read(&mut body, 1));
    catch_unwind(read).unwrap_err();
    assert_eq!(tape.replay().err(), Some(ReplayError::Failed));
}

#[tokio::test]
async fn a_recording_inside_of_a_recording_is_the_same_one() {
    let body = ReplayBody::new(TestBody::empty().data("hello"));
    let (outer, _) = body.record(LIMIT).unwrap();
    let (inner, tape) = outer.record(LIMIT).unwrap();
    assert_eq!(collect(inner).await.unwrap().to_bytes(), "hello");
    let again = collect(tape.replay().unwrap()).await.unwrap();
    assert_eq!(again.to_bytes(), "hello");
}

proptest! {
    /// However the previous attempts were cut short, the last one sends the whole body.
    #[test]
    fn every_attempt_sends_the_whole_body(
        chunks in prop::collection::vec("[a-z]{0,6}", 0..6),
        pauses in prop::collection::vec(any::<bool>(), 6),
        cuts in prop::collection::vec(0..8_usize, 0..5),
        with_trailers: bool,
    ) {
        let mut body = TestBody::empty();
        for (chunk, pause) in chunks.iter().zip(&pauses) {
            let chunk: &'static str = Box::leak(chunk.clone().into_boxed_str());
            body = if *pause { body.pending() } else { body }.data(chunk);
        }
        if with_trailers {
            body = body.trailer("a", "b");
        }
        let tape = tape(body);
        let mut attempt = tape.first();
        for cut in cuts {
            read(&mut attempt, cut);
            attempt = tape.replay().unwrap();
        }
        let hint = attempt.size_hint().exact();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let sent = runtime.block_on(collect(attempt)).unwrap();
        prop_assert_eq!(sent.trailers().is_some(), with_trailers);
        let sent = sent.to_bytes();
        prop_assert_eq!(hint, Some(sent.len() as u64));
        prop_assert_eq!(sent, chunks.concat());
    }
}
