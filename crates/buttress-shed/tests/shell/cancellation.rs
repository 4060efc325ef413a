//! A call can be dropped wherever it waits. Its slot, or its place in the queue, then goes to another at once.

use std::time::Duration;

use ::http::{HeaderName, Request, Response};
use buttress_shed::{SharesConfig, TenantsConfig, ThrottleConfig};
use buttress_testkit::{CountingWaker, Gate, Script, TestBody};
use http_body_util::BodyExt;
use tower::Service;

use crate::scene::{Scene, config, poll_ready};
use crate::support::{begin, behind, call, request, shedder, slow};

const POLLS: usize = 3;

#[tokio::test(start_paused = true)]
async fn a_call_dropped_at_any_poll_returns_its_slot() {
    let shedder = shedder(1, 0);
    let (service, probe) = behind(&shedder);
    let task = CountingWaker::new();
    for polls in 0..POLLS {
        probe.script(slow(POLLS));
        let mut future = begin(&service, request());
        for _ in 0..polls {
            assert!(task.poll_future(future.as_mut()).is_pending());
        }
        assert_eq!(shedder.snapshot().in_flight, 1);
        drop(future);
        assert_eq!((probe.in_flight(), shedder.snapshot().in_flight), (0, 0));
    }
    call(&service, request()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_never_polled_returns_its_slot() {
    let scene = Scene::new(config(1, 1));
    let mut service = scene.service.clone();
    let task = CountingWaker::new();
    assert!(poll_ready(&mut service, &task).is_ready());
    let admitted = service.call(request());
    assert!(poll_ready(&mut service, &task).is_ready());
    let queued = service.call(request());
    assert_eq!(scene.counts(), (1, 1));
    drop(queued);
    drop(admitted);
    assert_eq!(scene.counts(), (0, 0));
}

/// A2: at the head, in the middle, at the tail.
#[tokio::test(start_paused = true)]
async fn a_dropped_waiter_neither_blocks_nor_reorders_the_others() {
    for quitter in [0, 2, 4] {
        let scene = Scene::new(config(1, 5));
        let mut inside = scene.call();
        let mut waiting: Vec<_> = scene.calls::<5>().into_iter().enumerate().collect();
        assert_eq!(scene.counts(), (1, 5));
        waiting.remove(quitter);
        assert_eq!(scene.counts(), (1, 4));
        while !waiting.is_empty() {
            drop(inside.finish());
            let (who, mut next) = waiting.remove(0);
            assert!(next.is_admitted(), "{who} is next, without {quitter}");
            assert!(waiting.iter().all(|(_, call)| call.task.wakes() == 0));
            inside = next;
        }
        drop(inside);
        assert_eq!(scene.counts(), (0, 0));
    }
}

/// A3: a slot becomes free, and its call has been dropped.
#[tokio::test(start_paused = true)]
async fn a_waiter_dropped_after_it_was_woken_wakes_the_next() {
    let scene = Scene::new(config(1, 5));
    let inside = scene.call();
    let [first, mut second] = scene.calls();
    drop(inside.finish());
    assert_eq!((first.task.wakes(), second.task.wakes()), (1, 0));
    drop(first);
    assert!(second.is_admitted());
    assert_eq!(scene.counts(), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_while_the_inner_service_becomes_ready_returns_its_slot() {
    let scene = Scene::new(config(1, 5));
    let inside = scene.call();
    let [mut first, mut second] = scene.calls();
    scene.probe.not_ready();
    drop(inside.finish());
    first.poll();
    assert!(first.is_waiting());
    assert_eq!(scene.counts(), (1, 1));
    drop(first);
    assert_eq!(second.task.wakes(), 1);
    scene.probe.ready();
    assert!(second.is_admitted());
    drop(second);
    assert_eq!((scene.counts(), scene.probe.reserved()), ((0, 0), 0));
}

#[tokio::test(start_paused = true)]
async fn a_readiness_error_after_the_wait_gives_the_slot_to_the_next() {
    let scene = Scene::new(config(1, 5));
    let inside = scene.call();
    let [mut first, mut second] = scene.calls();
    drop(inside.finish());
    scene.probe.broken();
    first.poll();
    let error = first.answer.take().unwrap().unwrap_err();
    assert!(error.is::<buttress_testkit::TestError>(), "{error}");
    assert_eq!(second.task.wakes(), 1);
    scene.probe.ready();
    assert!(second.is_admitted());
}

#[tokio::test(start_paused = true)]
async fn a_body_dropped_at_any_frame_gives_the_slot_to_the_next() {
    for frames in 0..=3 {
        let scene = Scene::behind(config(1, 1), |shedder| {
            buttress_shed::ShedLayer::server(shedder).until(buttress_http::Until::BodyEnd)
        });
        let gate = Gate::new();
        let body = TestBody::empty().data("one").data("two").wait(&gate);
        scene
            .probe
            .script_next(Script::new().ok(Response::new(body)));
        let mut response = scene.call().finish();
        let mut next = scene.call();
        assert!(next.is_waiting());
        for _ in 0..frames.min(2) {
            response.frame().await.unwrap().unwrap();
        }
        if frames == 3 {
            let task = CountingWaker::new();
            let mut frame = Box::pin(response.frame());
            assert!(task.poll_future(frame.as_mut()).is_pending());
        }
        drop(response);
        assert!(next.is_admitted(), "after {frames} frames");
    }
}

/// All other counts of a dropped call are decremented too.
#[tokio::test(start_paused = true)]
async fn a_dropped_call_is_removed_from_all_counts() {
    let config = config(1, 2)
        .shares(SharesConfig::default())
        .tenants(TenantsConfig::default().reservation_ttl(Duration::from_secs(60)))
        .throttle(ThrottleConfig::default());
    let scene = Scene::behind(config, |shedder| {
        buttress_shed::ShedLayer::server(shedder).tenant_header(HeaderName::from_static("x-tenant"))
    });
    let of = |tenant: &str| {
        let request = Request::builder().header("x-tenant", tenant);
        scene.call_with(request.body(TestBody::empty()).unwrap())
    };
    for _ in 0..100 {
        let inside = of("one");
        let (waiting, other) = (of("one"), of("another"));
        assert!(inside.is_inside(), "{:?}", inside.reason());
        assert!(waiting.is_waiting() && other.is_waiting());
        drop((waiting, inside, other));
        let snapshot = scene.shedder.snapshot();
        assert_eq!((snapshot.in_flight, snapshot.queued), (0, 0));
        assert_eq!(snapshot.throttle.unwrap().sent, 0);
    }
}
