//! A request body that reports how long it was waited for.
use std::time::Duration;

use buttress_core::{Identify, Upload};
use buttress_http::{Http, track_upload};
use buttress_testkit::{Gate, TestBody};
use http::Request;
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::{Instant, advance, sleep};

const SECOND: Duration = Duration::from_secs(1);

fn upload<B>(request: &Request<B>) -> Option<Upload> {
    Http::default().upload(request, Instant::now().into_std())
}

fn waited(upload: &Upload) -> Duration {
    upload.waited(Instant::now().into_std())
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_body_has_no_upload() {
    let request = track_upload(Request::new(TestBody::empty()));
    assert!(upload(&request).is_none() && request.extensions().is_empty());
    assert!(request.body().is_end_stream());
}

#[tokio::test(start_paused = true)]
async fn only_the_time_between_a_poll_and_its_frame_counts_as_waiting() {
    let gate = Gate::new();
    let body = TestBody::empty().data("a").wait(&gate).data("b");
    let request = track_upload(Request::new(body));
    assert_eq!(request.body().size_hint().exact(), Some(2));
    let upload = upload(&request).unwrap();
    let mut body = request.into_body();
    body.frame().await.unwrap().unwrap();
    advance(SECOND).await;
    assert_eq!(
        waited(&upload),
        Duration::ZERO,
        "the body is not polled further"
    );
    let send = async {
        sleep(2 * SECOND).await;
        gate.open();
    };
    let (frame, ()) = tokio::join!(body.frame(), send);
    assert_eq!(frame.unwrap().unwrap().into_data().unwrap(), "b");
    advance(SECOND).await;
    assert_eq!(waited(&upload), 2 * SECOND);
    assert!(!upload.is_broken_off());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_body_is_no_longer_waited_for() {
    let request = track_upload(Request::new(TestBody::empty().wait(&Gate::new())));
    let upload = upload(&request).unwrap();
    let mut body = request.into_body();
    assert!(
        tokio::time::timeout(SECOND, body.frame()).await.is_err(),
        "nothing comes"
    );
    drop(body);
    let before = waited(&upload);
    assert!(before >= SECOND);
    advance(SECOND).await;
    assert_eq!(waited(&upload), before);
    assert!(!upload.is_broken_off());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_fails_was_aborted_by_its_caller() {
    let request = track_upload(Request::new(TestBody::empty().data("a").err("reset")));
    let upload = upload(&request).unwrap();
    assert!(request.into_body().collect().await.is_err());
    assert!(upload.is_broken_off());
}

/// A gateway passes a request on, and its client is behind the function as well.
#[tokio::test(start_paused = true)]
async fn a_request_keeps_its_upload() {
    let request = track_upload(Request::new(TestBody::empty().data("a")));
    let outer = upload(&request).unwrap();
    let request = track_upload(request);
    assert_eq!(upload(&request), Some(outer));
}
