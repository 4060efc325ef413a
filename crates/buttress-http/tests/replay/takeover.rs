//! Two attempts and one body: the later owns it, whatever the earlier still does.

use std::pin::Pin;
use std::task::Poll;

use buttress_http::{ReplayBody, Tape};
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
