//! Responses that are not read: they keep their slots for a time, and no longer if other calls find none.

use std::time::Duration;

use ::http::Response;
use buttress_bulkhead::{BulkheadConfig, BulkheadLayer, PartitionsConfig};
use buttress_core::{Ratio, Reason};
use buttress_testkit::{CountingWaker, Gate, Script, TestBody};
use http_body_util::BodyExt;

use crate::support::{MS, Scene, config, pass};

const SECOND: Duration = Duration::from_secs(1);

/// Scripts the response to the next call.
macro_rules! answers {
    ($scene:expr, $body:expr) => {{
        let script = Script::new().ok(Response::new($body));
        $scene.probe.script_next(script);
        $scene.call().finish()
    }};
}

fn two_frames() -> TestBody {
    TestBody::empty().data("one").data("two")
}

#[tokio::test(start_paused = true)]
async fn idle_readers_do_not_use_up_the_bulkhead() {
    let scene = Scene::http(BulkheadConfig::default().limit(2));
    let mut unread = answers!(scene, two_frames());
    unread.frame().await.unwrap().unwrap();
    let untouched = answers!(scene, two_frames());
    pass(30 * SECOND - MS).await;
    assert_eq!(scene.call().reason(), Some(Reason::BulkheadFull));
    // Not at the first moment: bodies are checked several times in those 30 s, and not for each call.
    pass(SECOND).await;
    let next = scene.call();
    assert!(next.is_inside());
    assert_eq!(scene.counts(), (1, 0));

    // The readers continue, and their responses go on without a slot.
    unread.frame().await.unwrap().unwrap();
    drop(unread);
    drop(untouched.collect().await.unwrap());
    assert_eq!(scene.counts(), (1, 0));
    drop(next);
    assert_eq!(scene.counts(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_slot_is_kept_while_no_other_call_needs_it() {
    let scene = Scene::http(BulkheadConfig::default().limit(2));
    let unread = answers!(scene, two_frames());
    pass(3_600 * SECOND).await;
    assert!(scene.call().is_inside());
    assert_eq!(scene.counts(), (1, 0));
    drop(unread);
    assert_eq!(scene.counts(), (0, 0));
}

/// An event stream without events waits for the service, and not for its reader.
#[tokio::test(start_paused = true)]
async fn a_response_that_waits_for_the_service_keeps_its_slot() {
    let scene = Scene::http(BulkheadConfig::default().limit(1));
    let gate = Gate::new();
    let mut stream = answers!(scene, TestBody::empty().data("one").wait(&gate).data("two"));
    stream.frame().await.unwrap().unwrap();
    let task = CountingWaker::new();
    for _ in 0..2 {
        let mut frame = Box::pin(stream.frame());
        assert!(task.poll_future(frame.as_mut()).is_pending());
    }
    pass(3_600 * SECOND).await;
    assert_eq!(scene.call().reason(), Some(Reason::BulkheadFull));
    gate.open();
    stream.frame().await.unwrap().unwrap();
    assert_eq!(scene.counts(), (0, 0), "the body has ended");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_reads_now_and_then_keeps_its_slot() {
    let scene = Scene::http(BulkheadConfig::default().limit(1));
    let body = (0..10).fold(TestBody::empty(), |body, _| body.data("frame"));
    let mut slow = answers!(scene, body);
    for _ in 0..9 {
        pass(20 * SECOND).await;
        assert_eq!(scene.call().reason(), Some(Reason::BulkheadFull));
        slow.frame().await.unwrap().unwrap();
    }
}

/// There is no other call that could check, and the response starts after the wait.
#[tokio::test(start_paused = true)]
async fn a_waiter_gets_the_slot_of_an_idle_reader() {
    for longest in [None, Some(120 * SECOND)] {
        let scene = Scene::http(config(1, 1).max_wait(longest));
        let script = Script::new().ok(Response::new(two_frames()));
        scene.probe.script_next(script);
        let first = scene.call();
        let mut waiting = scene.call();
        pass(10 * SECOND).await;
        let unread = first.finish();
        pass(29 * SECOND).await;
        assert_eq!(waiting.task.wakes(), 0);
        for _ in 0..32 {
            pass(SECOND).await;
        }
        assert_eq!(waiting.task.wakes(), 1, "{longest:?}");
        assert!(waiting.is_admitted());
        drop(unread);
        assert_eq!(scene.counts(), (1, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn the_idle_time_can_be_changed_or_unlimited() {
    let patient = BulkheadConfig::default().limit(1).reader_idle(None);
    let scene = Scene::http(patient.clone());
    let unread = answers!(scene, two_frames());
    pass(3_600 * SECOND).await;
    assert_eq!(scene.call().reason(), Some(Reason::BulkheadFull));
    drop(unread);

    let reconfigure = |reader_idle| {
        let config = patient.clone().reader_idle(reader_idle);
        scene.bulkhead.reconfigure(config).unwrap();
    };
    reconfigure(60 * SECOND);
    let _unread = answers!(scene, two_frames());
    pass(30 * SECOND).await;
    assert_eq!(scene.call().reason(), Some(Reason::BulkheadFull));
    reconfigure(20 * SECOND);
    assert!(scene.call().is_inside());

    for unheard in [Duration::ZERO, Duration::MAX] {
        let error = patient.clone().reader_idle(unheard).check().unwrap_err();
        assert_eq!(error.field(), "reader_idle");
    }
}

/// The slot goes back to its partition.
#[tokio::test(start_paused = true)]
async fn a_slot_of_a_partition_is_also_taken_back() {
    let shares = PartitionsConfig::default().share("a", Ratio::HALF);
    let config = BulkheadConfig::default().limit(2).partitions(shares);
    let scene = Scene::behind(config, |bulkhead| {
        BulkheadLayer::server(bulkhead).key(|_: &http::Request<TestBody>| "a".into())
    });
    let unread = [answers!(scene, two_frames()), answers!(scene, two_frames())];
    assert!(scene.call().reason().is_some());
    pass(31 * SECOND).await;
    let next = scene.call();
    assert!(next.is_inside());
    let in_flight = || {
        let snapshot = scene.bulkhead.snapshot();
        snapshot
            .partitions
            .iter()
            .map(|partition| partition.in_flight)
            .sum::<u64>()
    };
    assert_eq!((scene.counts(), in_flight()), ((1, 0), 1));
    drop(unread);
    drop(next);
    assert_eq!((scene.counts(), in_flight()), ((0, 0), 0));
}
