//! Two attempts and one body: the later attempt owns it, whatever the earlier attempt still does.

use std::pin::Pin;
use std::task::Poll;

use buttress_http::{ReplayBody, ReplayBuffer, ReplayError};
use buttress_testkit::{CountingWaker, Gate, TestBody};
use http_body::Body;
use http_body_util::BodyExt;

use crate::replay::frames::read;

/// hyper sends bodies in separate tasks, which may outlive the attempt.
#[tokio::test]
async fn an_earlier_attempt_ends_where_the_recording_ends() {
    let tape = ReplayBuffer::record(TestBody::empty().data("he").data("llo"), 64).unwrap();
    let mut first = tape.first();
    read(&mut first, 1);

    let second = tape.replay().unwrap();
    let error = first.frame().await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "another attempt sends this body now");
    assert_eq!(second.collect().await.unwrap().to_bytes(), "hello");
}

#[tokio::test]
async fn a_later_attempt_waits_for_the_source() {
    let gate = Gate::new();
    let body = TestBody::empty().data("he").wait(&gate).data("llo");
    let tape = ReplayBuffer::record(body, 64).unwrap();
    let (earlier, later) = (CountingWaker::new(), CountingWaker::new());

    let mut first = tape.first();
    read(&mut first, 1);
    let poll = |body: &mut ReplayBody<TestBody>, task: &CountingWaker| {
        task.poll(|cx| Pin::new(body).poll_frame(cx))
    };
    assert!(poll(&mut first, &earlier).is_pending());

    let mut second = tape.replay().unwrap();
    read(&mut second, 1);
    assert!(poll(&mut second, &later).is_pending());
    // The earlier attempt may still be polled. It must not register its waker.
    assert!(matches!(
        poll(&mut first, &earlier),
        Poll::Ready(Some(Err(_)))
    ));

    gate.open();
    assert_eq!(later.wakes(), 1);
    assert_eq!(second.collect().await.unwrap().to_bytes(), "llo");
}

/// The source wakes the task that polled it last. Without a wake, the earlier task would wait forever.
#[tokio::test]
async fn a_waiting_attempt_is_woken_when_it_is_replaced() {
    let gate = Gate::new();
    let body = TestBody::empty().data("he").wait(&gate).data("llo");
    let tape = ReplayBuffer::record(body, 64).unwrap();
    let task = CountingWaker::new();

    let mut first = tape.first();
    read(&mut first, 1);
    assert!(
        task.poll(|cx| Pin::new(&mut first).poll_frame(cx))
            .is_pending()
    );
    assert_eq!(task.wakes(), 0);

    let _second = tape.replay().unwrap();
    assert_eq!(task.wakes(), 1);
    assert!(first.frame().await.unwrap().is_err());
}

/// Otherwise the HTTP client would end the request there, and the server would accept a partial body as the whole.
#[tokio::test]
async fn an_earlier_attempt_never_ends_as_complete() {
    let tape =
        ReplayBuffer::record(TestBody::empty().data("he").data("llo").declare(4), 4).unwrap();
    let mut first = tape.first();
    read(&mut first, 1);

    let mut second = tape.replay().unwrap();
    read(&mut second, 3);
    assert_eq!(tape.check(), Err(ReplayError::TooLarge));
    assert!(second.is_end_stream());
    assert!(!first.is_end_stream());
    assert!(first.frame().await.unwrap().is_err());
}

#[tokio::test]
async fn a_body_that_failed_never_ends_as_complete() {
    let tape = ReplayBuffer::record(TestBody::empty().data("he").err("broken"), 64).unwrap();
    let mut first = tape.first();
    read(&mut first, 2);
    assert!(!first.is_end_stream());
    assert!(first.frame().await.unwrap().is_err());
}

/// H2: a hedge begins when the whole body is recorded, and the first attempt, which has sent all of it, polls once
/// more.
#[tokio::test]
async fn concurrent_attempts_end_alike_once_all_is_recorded() {
    for body in [
        TestBody::empty().data("hello"),
        TestBody::empty().data("hello").trailer("a", "b"),
    ] {
        let tape = ReplayBuffer::record(body, 64).unwrap();
        let mut first = tape.first();
        while !tape.is_complete() {
            read(&mut first, 1);
        }
        let second = tape.replay().unwrap();
        assert!(first.frame().await.is_none());
        assert_eq!(second.collect().await.unwrap().to_bytes(), "hello");
    }
}

/// The new owner waits for the source while another reader polls it, and must be woken when the source is returned.
#[tokio::test]
async fn a_waiting_owner_is_woken_when_the_source_is_returned() {
    use std::cell::RefCell;
    use std::rc::Rc;
    use std::task::Context;

    type Meanwhile = Rc<RefCell<Option<Box<dyn FnOnce()>>>>;

    /// A body that runs a closure while it is polled.
    struct Busy(Meanwhile);

    impl Body for Busy {
        type Data = bytes::Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<http_body::Frame<bytes::Bytes>, Self::Error>>> {
            let meanwhile = self.0.borrow_mut().take();
            if let Some(meanwhile) = meanwhile {
                meanwhile();
            }
            Poll::Pending
        }
    }

    let meanwhile = Meanwhile::default();
    let tape = ReplayBuffer::record(Busy(Rc::clone(&meanwhile)), 64)
        .ok()
        .unwrap();
    let (earlier, later) = (CountingWaker::new(), Rc::new(CountingWaker::new()));
    let (taken, task) = (tape.clone(), Rc::clone(&later));
    *meanwhile.borrow_mut() = Some(Box::new(move || {
        let mut second = taken.replay().unwrap();
        assert!(
            task.poll(|cx| Pin::new(&mut second).poll_frame(cx))
                .is_pending()
        );
    }));
    let mut first = tape.first();
    let polled = earlier.poll(|cx| Pin::new(&mut first).poll_frame(cx));
    assert!(matches!(polled, Poll::Ready(Some(Err(_)))));
    assert_eq!(later.wakes(), 1);
}

/// H1: HTTP/2 allows any number of empty and tiny frames.
#[tokio::test]
async fn a_buffer_stays_small_for_any_frames() {
    let empty = (0..100_000).fold(TestBody::empty(), |body, _| body.data(""));
    let tape = ReplayBuffer::record(empty.data("hello"), 64).unwrap();
    read(&mut tape.first(), 100_002);
    assert!(tape.is_complete());
    let played = tape.replay().unwrap().collect().await.unwrap();
    assert_eq!(played.to_bytes(), "hello");

    for (frames, fits) in [(64 + 100, true), (64 + 101, false)] {
        let tiny = (0..frames).fold(TestBody::empty(), |body, _| body.data("x"));
        let tape = ReplayBuffer::record(tiny, 6_400).unwrap();
        read(&mut tape.first(), frames + 1);
        assert_eq!(tape.check().is_ok(), fits, "{frames}");
    }
}
