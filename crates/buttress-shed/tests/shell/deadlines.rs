//! The effect of a deadline on a call that must wait.

use std::time::Duration;

use ::http::Request;
use buttress_core::{Deadline, Reason, TaskContext};
use buttress_testkit::TestBody;

use crate::scene::{MS, Scene, config, pass};
use crate::support::request;

fn until(left: Duration) -> Deadline {
    let now = tokio::time::Instant::now().into_std();
    Deadline::after(now, left).expect("the deadline is in range")
}

/// A request with the deadline of an outer layer.
fn wanted_within(left: Duration) -> Request<TestBody> {
    let mut request = request();
    request.extensions_mut().insert(until(left));
    request
}

#[tokio::test(start_paused = true)]
async fn a_call_without_time_to_wait_is_rejected_at_once_without_retry_after() {
    let scene = Scene::new(config(1, 8).margin(50 * MS));
    let _inside = scene.call();
    for left in [Duration::ZERO, MS, 49 * MS] {
        let call = scene.call_with(wanted_within(left));
        assert_eq!(call.reason(), Some(Reason::DeadlineTooShort), "{left:?}");
        assert_eq!(call.rejection().unwrap().retry_after(), None);
    }
    assert_eq!(scene.counts(), (1, 0));
}

/// It waits for as long as there is time for its call afterwards.
#[tokio::test(start_paused = true)]
async fn a_wait_ends_a_margin_before_the_deadline() {
    let scene = Scene::new(config(1, 8).margin(50 * MS));
    let _inside = scene.call();
    let mut call = scene.call_with(wanted_within(80 * MS));
    pass(29 * MS).await;
    call.poll();
    assert!(call.is_waiting());
    pass(2 * MS).await;
    assert_eq!(call.task.wakes(), 1);
    call.poll();
    assert_eq!(call.reason(), Some(Reason::DeadlineTooShort));
}

#[tokio::test(start_paused = true)]
async fn the_longest_wait_ends_it_if_that_is_earlier() {
    let scene = Scene::new(config(1, 8).margin(50 * MS).max_wait(20 * MS));
    let _inside = scene.call();
    let mut call = scene.call_with(wanted_within(80 * MS));
    pass(22 * MS).await;
    call.poll();
    assert_eq!(call.reason(), Some(Reason::QueueTimeout));
}

#[tokio::test(start_paused = true)]
async fn the_earlier_deadline_of_task_and_request_is_used() {
    for (task, request) in [(20, 1_000), (1_000, 20)] {
        let scene = Scene::new(config(1, 8).margin(Duration::ZERO));
        let _inside = scene.call();
        let mut context = TaskContext::default().with_deadline(Some(until(task * MS)));
        let mut call = context.enter(|| scene.call_with(wanted_within(request * MS)));
        pass(22 * MS).await;
        call.poll();
        assert_eq!(call.reason(), Some(Reason::DeadlineTooShort));
    }
}

/// A waiter whose deadline has passed when a slot becomes free leaves the slot to the next.
#[tokio::test(start_paused = true)]
async fn a_slot_goes_to_a_waiter_that_can_still_be_in_time() {
    let scene = Scene::new(config(1, 8).margin(50 * MS));
    let inside = scene.call();
    let mut late = scene.call_with(wanted_within(60 * MS));
    let mut early = scene.call_with(wanted_within(1_000 * MS));
    pass(30 * MS).await;
    drop(inside.finish());
    assert!(early.is_admitted());
    late.poll();
    assert_eq!(late.reason(), Some(Reason::DeadlineTooShort));
    assert_eq!(scene.counts(), (1, 0));
}

/// The latency is measured: if calls take 100 ms, one with 150 ms left does not wait.
#[tokio::test(start_paused = true)]
async fn the_margin_before_the_deadline_is_measured() {
    let scene = Scene::new(config(1, 8));
    for _ in 0..40 {
        let call = scene.call();
        pass(100 * MS).await;
        drop(call.finish());
    }
    let margin = scene.shedder.snapshot().margin;
    assert!((200 * MS..260 * MS).contains(&margin), "{margin:?}");
    let _inside = scene.call();
    let call = scene.call_with(wanted_within(150 * MS));
    assert_eq!(call.reason(), Some(Reason::DeadlineTooShort));
    assert!(scene.call_with(wanted_within(300 * MS)).is_waiting());
}

/// A slot becomes free, and the service of this call is not ready: a full `Buffer`, a dead endpoint.
#[tokio::test(start_paused = true)]
async fn a_slot_is_not_held_for_a_service_that_does_not_become_ready() {
    for (max_wait, reason) in [
        (100 * MS, Reason::QueueTimeout),
        (1_000 * MS, Reason::DeadlineTooShort),
    ] {
        let scene = Scene::new(config(1, 8).margin(Duration::ZERO).max_wait(max_wait));
        let inside = scene.call();
        let mut stuck = scene.call_with(wanted_within(300 * MS));
        scene.probe.not_ready();
        drop(inside.finish());
        pass(50 * MS).await;
        stuck.poll();
        assert_eq!((stuck.has_begun(), scene.counts()), (false, (1, 0)));

        let wakes = stuck.task.wakes();
        pass(250 * MS).await;
        assert_eq!(
            stuck.task.wakes(),
            wakes + 1,
            "it is not polled unless it is woken"
        );
        stuck.poll();
        assert_eq!(stuck.reason(), Some(reason));
        // The future still exists, and holds nothing.
        assert_eq!((scene.counts(), scene.probe.reserved()), ((0, 0), 0));
        scene.probe.ready();
        assert!(scene.call().is_inside());
    }
}
