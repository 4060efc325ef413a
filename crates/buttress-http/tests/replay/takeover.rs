//! Two attempts and one body: the later owns it, whatever the earlier still does.

use std::pin::Pin;
use std::task::Poll;

use buttress_http::{ReplayBody, Tape, Unplayable};
use buttress_testkit::{CountingWaker, Gate, TestBody};
use http_body::Body;
use http_body_util::BodyExt;

use crate::frames::read;

/// hyper sends bodies in tasks of their own, which may outlive the attempt.
#[tokio::test]
async fn an_earlier_attempt_ends_where_the_recording_ends() {
    let tape = Tape::record(TestBody::empty().data("he").data("llo"), 64).unwrap();
    let mut first = tape.first();
    read(&mut first, 1);

    let second = tape.play().unwrap();
    let error = first.frame().await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "another attempt sends this body now");
    assert_eq!(second.collect().await.unwrap().to_bytes(), "hello");
}

#[tokio::test]
async fn a_later_attempt_waits_for_what_the_earlier_waited_for() {
    let gate = Gate::new();
    let body = TestBody::empty().data("he").wait(&gate).data("llo");
    let tape = Tape::record(body, 64).unwrap();
    let (earlier, later) = (CountingWaker::new(), CountingWaker::new());

    let mut first = tape.first();
    read(&mut first, 1);
    let poll = |body: &mut ReplayBody<TestBody>, task: &CountingWaker| {
        task.poll(|cx| Pin::new(body).poll_frame(cx))
    };
    assert!(poll(&mut first, &earlier).is_pending());

    let mut second = tape.play().unwrap();
    read(&mut second, 1);
    assert!(poll(&mut second, &later).is_pending());
    // The earlier one may still be polled. It must not take the wakeup with it.
    assert!(matches!(
        poll(&mut first, &earlier),
        Poll::Ready(Some(Err(_)))
    ));

    gate.open();
    assert_eq!(later.wakes(), 1);
    assert_eq!(second.collect().await.unwrap().to_bytes(), "llo");
}

/// The source wakes whom it was polled by last. Without a call of its own the earlier task would wait for ever.
#[tokio::test]
async fn an_earlier_attempt_that_waits_is_woken_to_hear_that_it_is_over() {
    let gate = Gate::new();
    let body = TestBody::empty().data("he").wait(&gate).data("llo");
    let tape = Tape::record(body, 64).unwrap();
    let task = CountingWaker::new();

    let mut first = tape.first();
    read(&mut first, 1);
    assert!(
        task.poll(|cx| Pin::new(&mut first).poll_frame(cx))
            .is_pending()
    );
    assert_eq!(task.wakes(), 0);

    let _second = tape.play().unwrap();
    assert_eq!(task.wakes(), 1);
    assert!(first.frame().await.unwrap().is_err());
}

/// Its host would end the request there, and the server take half a body for the whole.
#[tokio::test]
async fn an_earlier_attempt_never_passes_for_complete() {
    let tape = Tape::record(TestBody::empty().data("he").data("llo").declare(4), 4).unwrap();
    let mut first = tape.first();
    read(&mut first, 1);

    let mut second = tape.play().unwrap();
    read(&mut second, 3);
    assert_eq!(tape.check(), Err(Unplayable::TooLarge));
    assert!(second.is_end_stream());
    assert!(!first.is_end_stream());
    assert!(first.frame().await.unwrap().is_err());
}

#[tokio::test]
async fn a_body_that_failed_never_passes_for_complete() {
    let tape = Tape::record(TestBody::empty().data("he").err("broken"), 64).unwrap();
    let mut first = tape.first();
    read(&mut first, 2);
    assert!(!first.is_end_stream());
    assert!(first.frame().await.unwrap().is_err());
}
