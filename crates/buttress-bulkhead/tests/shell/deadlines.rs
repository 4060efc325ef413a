//! How long a call may wait: until the earlier of the longest wait and its deadline.

use std::time::Duration;

use buttress_bulkhead::BulkheadConfig;
use buttress_core::{Deadline, Reason, TaskContext};
use buttress_http::Http;

use crate::support::{MS, Scene, config, pass, request};

fn after(time: Duration) -> Option<Deadline> {
    Deadline::after(tokio::time::Instant::now().into_std(), time)
}

/// A call by a task with this much time.
macro_rules! call_within {
    ($scene:expr, $time:expr) => {
        TaskContext::default()
            .with_deadline(after($time))
            .enter(|| $scene.call())
    };
}

#[tokio::test(start_paused = true)]
async fn a_call_without_time_does_not_wait() {
    let scene = Scene::new(config(1, 8));
    let inside = scene.call();
    let late = call_within!(scene, Duration::ZERO);
    assert_eq!(late.reason(), Some(Reason::DeadlineTooShort));
    assert!(!late.has_begun());
    assert_eq!(scene.counts(), (1, 0));
    inside.finish();
}

/// With a margin, less time than that counts as none.
#[tokio::test(start_paused = true)]
async fn a_call_that_could_not_end_in_time_does_not_wait() {
    let scene = Scene::new(config(1, 8).margin(50 * MS));
    let _inside = scene.call();
    let late = call_within!(scene, 49 * MS);
    assert_eq!(late.reason(), Some(Reason::DeadlineTooShort));
    let early = call_within!(scene, 51 * MS);
    assert!(early.is_waiting());
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_passes_ends_the_wait() {
    let scene = Scene::new(config(1, 8).max_wait(1_000 * MS));
    let inside = scene.call();
    let mut waiting = call_within!(scene, 100 * MS);
    let mut patient = scene.call();
    pass(99 * MS).await;
    assert_eq!(waiting.task.wakes(), 0);
    pass(MS).await;
    assert_eq!(waiting.task.wakes(), 1);
    waiting.poll();
    assert_eq!(waiting.reason(), Some(Reason::DeadlineTooShort));
    assert!(!waiting.has_begun());
    assert_eq!(scene.counts(), (1, 1));
    inside.finish();
    assert!(patient.is_admitted());
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_a_margin_before_the_deadline() {
    let scene = Scene::new(config(1, 8).margin(40 * MS));
    let _inside = scene.call();
    let mut waiting = call_within!(scene, 100 * MS);
    pass(59 * MS).await;
    assert_eq!(waiting.task.wakes(), 0);
    pass(MS).await;
    waiting.poll();
    assert_eq!(waiting.reason(), Some(Reason::DeadlineTooShort));
}

/// A slot that becomes free a moment before the wait ends is used; at that moment it goes to the next call.
#[tokio::test(start_paused = true)]
async fn a_slot_goes_to_a_waiter_that_can_use_it() {
    for (waited, is_let_in) in [(59 * MS, true), (60 * MS, false)] {
        let scene = Scene::new(config(1, 8).margin(40 * MS));
        let inside = scene.call();
        let mut waiting = call_within!(scene, 100 * MS);
        let mut patient = scene.call();
        // No call is polled in between: only the clock decides.
        pass(waited).await;
        inside.finish();
        waiting.poll();
        assert_eq!(waiting.is_inside(), is_let_in, "{waited:?}");
        assert_eq!(patient.is_admitted(), !is_let_in, "{waited:?}");
        if !is_let_in {
            assert_eq!(waiting.reason(), Some(Reason::DeadlineTooShort));
        }
    }
}

/// Q3: at `T`, and not before, with its own reason; and its place in the queue is free again.
#[tokio::test(start_paused = true)]
async fn the_longest_wait_ends_to_the_millisecond() {
    let scene = Scene::new(config(1, 1).max_wait(100 * MS));
    let inside = scene.call();
    for _ in 0..3 {
        let mut waiting = scene.call();
        assert_eq!(scene.call().reason(), Some(Reason::BulkheadFull));
        pass(99 * MS).await;
        waiting.poll();
        assert!(waiting.is_waiting());
        pass(MS).await;
        assert_eq!(waiting.task.wakes(), 1);
        waiting.poll();
        assert_eq!(waiting.reason(), Some(Reason::QueueTimeout));
        assert_eq!(scene.counts(), (1, 0));
    }
    inside.finish();
}

/// The same for a caller that only awaits.
#[tokio::test(start_paused = true)]
async fn a_caller_is_rejected_in_time() {
    let scene = Scene::new(config(1, 1).max_wait(100 * MS));
    let _inside = scene.call();
    let began = tokio::time::Instant::now();
    let waiting = tower::ServiceExt::oneshot(scene.service.clone(), request()).await;
    assert_eq!(crate::support::reason(&waiting), Some(Reason::QueueTimeout));
    let waited = began.elapsed();
    assert!((100 * MS..=101 * MS).contains(&waited), "{waited:?}");
}

/// A3: the slot and the end of the wait come at the same moment.
#[tokio::test(start_paused = true)]
async fn a_slot_released_as_the_wait_ends_is_neither_lost_nor_assigned_twice() {
    let config = || config(1, 1).max_wait(100 * MS);
    // The slot is free first: a waiter that is polled late was admitted in time.
    let scene = Scene::new(config());
    let inside = scene.call();
    let mut waiting = scene.call();
    pass(100 * MS - Duration::from_nanos(1)).await;
    inside.finish();
    pass(MS).await;
    assert!(waiting.is_admitted());
    assert_eq!(scene.counts(), (1, 0));

    // The wait ends first: the slot is free.
    let scene = Scene::new(config());
    let inside = scene.call();
    let mut waiting = scene.call();
    pass(100 * MS).await;
    inside.finish();
    waiting.poll();
    assert_eq!(waiting.reason(), Some(Reason::QueueTimeout));
    assert_eq!(scene.counts(), (0, 0));
    assert!(scene.call().is_inside());
}

/// The reason is that of the earlier end.
#[tokio::test(start_paused = true)]
async fn the_earlier_of_both_ends_the_wait() {
    for (deadline, reason) in [
        (50 * MS, Reason::DeadlineTooShort),
        (150 * MS, Reason::QueueTimeout),
    ] {
        let scene = Scene::new(config(1, 1).max_wait(100 * MS));
        let _inside = scene.call();
        let mut waiting = call_within!(scene, deadline);
        pass(deadline.min(100 * MS)).await;
        waiting.poll();
        assert_eq!(waiting.reason(), Some(reason), "{deadline:?}");
    }
}

/// The earlier of the deadlines of the task and of the request is used.
#[tokio::test(start_paused = true)]
async fn the_deadline_of_the_request_is_used_too() {
    for (task, extension) in [(500 * MS, 50 * MS), (50 * MS, 500 * MS)] {
        let scene: Scene<Http> = Scene::http(config(1, 1));
        let _inside = scene.call();
        let mut request = request();
        request.extensions_mut().insert(after(extension).unwrap());
        let mut waiting = TaskContext::default()
            .with_deadline(after(task))
            .enter(|| scene.call_with(request));
        pass(49 * MS).await;
        waiting.poll();
        assert!(waiting.is_waiting());
        pass(MS).await;
        waiting.poll();
        assert_eq!(waiting.reason(), Some(Reason::DeadlineTooShort));
    }
}

/// A bulkhead does not end the call itself, nor read the clock while there are free slots: that is for deadline
/// layers.
#[tokio::test(start_paused = true)]
async fn with_free_slots_no_deadline_is_read() {
    let scene = Scene::new(BulkheadConfig::default());
    assert!(call_within!(scene, Duration::ZERO).is_inside());
}

#[tokio::test(start_paused = true)]
async fn without_a_longest_wait_or_a_deadline_the_wait_has_no_limit() {
    let scene = Scene::new(config(1, 1));
    let inside = scene.call();
    let mut waiting = scene.call();
    for _ in 0..30 {
        pass(Duration::from_secs(24 * 60 * 60)).await;
    }
    assert_eq!(waiting.task.wakes(), 0);
    assert!(waiting.is_waiting());
    inside.finish();
    assert!(waiting.is_admitted());
}

/// A slot becomes free, and the service of this call is not ready: a full `Buffer`, a dead endpoint.
#[tokio::test(start_paused = true)]
async fn a_slot_is_not_held_for_a_service_that_does_not_become_ready() {
    for (max_wait, reason) in [
        (100 * MS, Reason::QueueTimeout),
        (1_000 * MS, Reason::DeadlineTooShort),
    ] {
        let scene = Scene::new(config(1, 8).max_wait(max_wait));
        let inside = scene.call();
        let mut stuck = call_within!(scene, 300 * MS);
        scene.probe.not_ready();
        inside.finish();
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

#[tokio::test(start_paused = true)]
async fn a_service_that_becomes_ready_in_time_is_called() {
    let scene = Scene::new(config(1, 8).max_wait(100 * MS));
    let inside = scene.call();
    let mut waiting = scene.call();
    scene.probe.not_ready();
    inside.finish();
    waiting.poll();
    pass(99 * MS).await;
    scene.probe.ready();
    waiting.poll();
    assert!(waiting.is_inside());
    pass(99 * MS).await;
    waiting.finish();
}
