//! A call can be dropped wherever it waits. Its slot, or its place in the queue, then goes to another at once.

use ::http::Response;
use buttress_core::Reason;
use buttress_testkit::{CountingWaker, Gate, Script, TestBody};
use tower::Service;

use crate::support::{Scene, config, gated, poll_ready, request};

const POLLS: usize = 3;

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
            inside.finish();
            let (who, mut next) = waiting.remove(0);
            assert!(next.is_admitted(), "{who} is next, without {quitter}");
            assert!(waiting.iter().all(|(_, call)| call.task.wakes() == 0));
            inside = next;
        }
        drop(inside);
        assert_eq!(scene.counts(), (0, 0));
    }
}

/// A3. tokio#904, embassy#2766 and #6964: the next waiter was dropped, and no other was woken.
#[tokio::test(start_paused = true)]
async fn a_waiter_dropped_after_it_was_woken_wakes_the_next() {
    let scene = Scene::new(config(1, 5));
    let inside = scene.call();
    let [first, second, mut third] = scene.calls();
    inside.finish();
    assert_eq!((first.task.wakes(), second.task.wakes()), (1, 0));
    drop(first);
    assert_eq!((second.task.wakes(), third.task.wakes()), (1, 0));
    drop(second);
    assert!(third.is_admitted());
    assert_eq!(scene.counts(), (1, 0));
}

/// It has its slot, and waits for a service that is not ready yet.
#[tokio::test(start_paused = true)]
async fn a_call_dropped_while_the_inner_service_becomes_ready_returns_its_slot() {
    let scene = Scene::new(config(1, 5));
    let inside = scene.call();
    let [mut first, mut second] = scene.calls();
    scene.probe.not_ready();
    inside.finish();
    assert!(!first.is_admitted());
    assert!(first.is_waiting());
    assert_eq!(scene.counts(), (1, 1));

    drop(first);
    assert_eq!(second.task.wakes(), 1);
    assert!(!second.is_admitted());
    assert_eq!(scene.counts(), (1, 0));
    scene.probe.ready();
    assert_eq!(second.task.wakes(), 2);
    assert!(second.is_admitted());
    second.finish();
    assert_eq!(scene.counts(), (0, 0));
    assert_eq!(scene.probe.reserved(), 0);
}

/// While it waits, it holds no reservation of the inner service: a call that need not wait may use it.
#[tokio::test(start_paused = true)]
async fn a_waiter_holds_no_reservation_of_the_inner_service() {
    let scene = Scene::new(config(1, 5));
    let _inside = scene.call();
    let _waiting = scene.calls::<5>();
    assert_eq!(scene.probe.reserved(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_readiness_error_after_the_wait_gives_the_slot_to_the_next() {
    let scene = Scene::new(config(1, 5));
    let inside = scene.call();
    let [mut first, mut second] = scene.calls();
    inside.finish();
    scene.probe.broken();
    first.poll();
    let error = first.answer.take().unwrap().unwrap_err();
    assert!(error.is::<buttress_testkit::TestError>(), "{error}");
    assert_eq!(second.task.wakes(), 1);
    scene.probe.ready();
    assert!(second.is_admitted());
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_at_any_poll_gives_its_slot_to_the_next() {
    for polls in 0..=POLLS {
        let scene = Scene::new(config(1, 1));
        scene.probe.let_pass();
        let slow = Script::new().pending(POLLS).ok(Response::default());
        scene.probe.script_next(slow);
        let task = CountingWaker::new();
        let mut service = scene.service.clone();
        assert!(poll_ready(&mut service, &task).is_ready());
        let mut call = Box::pin(service.call(request()));
        for _ in 0..polls {
            assert!(task.poll_future(call.as_mut()).is_pending());
        }
        scene.probe.hold();
        let mut next = scene.call();
        assert!(next.is_waiting());

        drop(call);
        assert_eq!(scene.probe.in_flight(), 0, "after {polls} polls");
        assert!(next.is_admitted(), "after {polls} polls");
        assert_eq!(scene.counts(), (1, 0), "after {polls} polls");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_dropped_anywhere_gives_its_slot_to_the_next() {
    for frames in 0..2 {
        let scene = Scene::http(config(1, 1));
        let gate = Gate::new();
        scene.probe.script_next(Script::new().ok(gated(&gate)));
        let mut response = scene.call().finish();
        let mut next = scene.call();
        assert!(next.is_waiting());
        for _ in 0..frames {
            let frame = http_body_util::BodyExt::frame(&mut response).await;
            assert!(frame.unwrap().is_ok());
        }
        drop(response);
        assert!(next.is_admitted(), "after {frames} frames");
        assert_eq!(scene.counts(), (1, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_readied_clone_that_is_dropped_leaks_nothing() {
    let scene = Scene::new(config(1, 1));
    let mut service = scene.service.clone();
    assert!(poll_ready(&mut service, &CountingWaker::new()).is_ready());
    drop(service);
    assert_eq!(scene.probe.reserved(), 0);
    assert_eq!(scene.counts(), (0, 0));
}

/// A rejected caller does not block others: it is not in the queue, and is assigned no slot.
#[tokio::test(start_paused = true)]
async fn a_rejected_call_leaks_nothing() {
    let scene = Scene::new(config(1, 0));
    let inside = scene.call();
    let refused = scene.calls::<3>();
    for call in &refused {
        assert_eq!(call.reason(), Some(Reason::BulkheadFull));
    }
    inside.finish();
    assert!(scene.call().is_inside());
    assert_eq!(scene.counts(), (0, 0));
}

/// A9: calls that arrived, waited and were dropped leave neither a waker nor a clone behind.
#[tokio::test(start_paused = true)]
async fn dropped_calls_are_removed() {
    let scene = Scene::new(config(1, 4));
    let _inside = scene.call();
    let task = CountingWaker::new();
    for _ in 0..1_000 {
        let mut service = scene.service.clone();
        assert!(poll_ready(&mut service, &task).is_ready());
        let mut call = Box::pin(service.call(request()));
        assert!(task.poll_future(call.as_mut()).is_pending());
    }
    assert_eq!(task.kept(), 0);
    assert_eq!(scene.counts(), (1, 0));
    let alive = scene.probe.alive();
    assert!(alive <= 3, "{alive} instances exist");
}

/// A response without a body must not hold the slot, because its body is never polled.
#[tokio::test(start_paused = true)]
async fn a_response_without_a_body_holds_no_slot() {
    let scene = Scene::http(config(1, 0));
    scene
        .probe
        .script_next(Script::new().ok(Response::new(TestBody::empty())));
    let response = scene.call().finish();
    assert_eq!(scene.counts(), (0, 0));
    drop(response);
}
