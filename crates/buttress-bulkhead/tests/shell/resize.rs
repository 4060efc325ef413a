//! A new configuration, while calls are in flight and others wait.

use buttress_core::Reason;

use crate::support::{Scene, config};

/// A7: no call is admitted until fewer are in flight than the new limit, and none is ended.
#[tokio::test(start_paused = true)]
async fn a_limit_below_the_calls_in_flight_admits_and_ends_none() {
    let scene = Scene::new(config(4, 8));
    let mut inside = Vec::from(scene.calls::<4>());
    scene.bulkhead.reconfigure(config(2, 8)).unwrap();
    assert_eq!(scene.bulkhead.snapshot().limit, 2);
    let mut waiting = scene.call();
    for under_way in [4, 3, 2] {
        assert_eq!(scene.counts(), (under_way, 1));
        assert!(!waiting.is_admitted());
        assert!(inside.iter().all(|call| call.is_inside()));
        inside.pop().unwrap().finish();
    }
    assert!(waiting.is_admitted());
    assert_eq!(scene.counts(), (2, 0));
    for call in inside {
        call.finish();
    }
}

/// The same without a queue: new calls are rejected.
#[tokio::test(start_paused = true)]
async fn a_limit_below_the_calls_in_flight_rejects_new_calls() {
    let scene = Scene::new(config(3, 0));
    let inside = scene.calls::<3>();
    scene.bulkhead.reconfigure(config(1, 0)).unwrap();
    for call in inside {
        assert_eq!(scene.call().reason(), Some(Reason::BulkheadFull));
        call.finish();
    }
    assert!(scene.call().is_inside());
}

#[tokio::test(start_paused = true)]
async fn raising_the_limit_wakes_as_many_waiters_as_fit_in_order() {
    let scene = Scene::new(config(1, 8));
    let _inside = scene.call();
    let mut waiting = scene.calls::<5>();
    for (limit, admit_waiters) in [(3, 2), (4, 3), (4, 3), (100, 5)] {
        scene.bulkhead.reconfigure(config(limit, 8)).unwrap();
        let woken = waiting.each_ref().map(|call| call.task.wakes());
        let expected: [usize; 5] = std::array::from_fn(|at| usize::from(at < admit_waiters));
        assert_eq!(woken, expected, "limit {limit}");
    }
    assert!(waiting.iter_mut().all(|call| call.is_admitted()));
    assert_eq!(scene.counts(), (6, 0));
}

/// The calls beyond the limit must end first.
#[tokio::test(start_paused = true)]
async fn raising_the_limit_above_the_calls_in_flight_wakes_only_as_many_as_fit() {
    let scene = Scene::new(config(4, 8));
    let _inside = scene.calls::<4>();
    let waiting = scene.calls::<3>();
    for (limit, admit_waiters) in [(1, 0), (3, 0), (4, 0), (5, 1)] {
        scene.bulkhead.reconfigure(config(limit, 8)).unwrap();
        let woken: usize = waiting.iter().map(|call| call.task.wakes()).sum();
        assert_eq!(woken, admit_waiters, "limit {limit}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_shorter_queue_keeps_its_waiters_and_adds_none() {
    let scene = Scene::new(config(1, 3));
    let mut inside = scene.call();
    let waiting = scene.calls::<3>();
    scene.bulkhead.reconfigure(config(1, 1)).unwrap();
    assert_eq!(scene.counts(), (1, 3));
    assert_eq!(scene.call().reason(), Some(Reason::BulkheadFull));
    for mut next in waiting {
        inside.finish();
        assert!(next.is_admitted());
        inside = next;
    }
    assert!(scene.call().is_waiting());
    inside.finish();
}

/// Waiters keep the longest wait with which they started; new ones get the new one.
#[tokio::test(start_paused = true)]
async fn a_new_longest_wait_applies_to_new_waiters() {
    use crate::support::{MS, pass};

    let scene = Scene::new(config(1, 8).max_wait(100 * MS));
    let _inside = scene.call();
    let mut before = scene.call();
    let shorter = config(1, 8).max_wait(10 * MS);
    scene.bulkhead.reconfigure(shorter).unwrap();
    let mut after = scene.call();
    pass(10 * MS).await;
    before.poll();
    after.poll();
    assert!(before.is_waiting());
    assert_eq!(after.reason(), Some(Reason::QueueTimeout));
}

#[tokio::test(start_paused = true)]
async fn an_invalid_configuration_is_rejected_and_changes_nothing() {
    let scene = Scene::new(config(2, 1));
    let _inside = scene.calls::<2>();
    for (field, wrong) in [
        ("limit", config(0, 1)),
        ("limit", config(1_000_001, 1)),
        ("queue", config(5, 1_000_001)),
        ("max_wait", config(5, 1).max_wait(std::time::Duration::ZERO)),
    ] {
        let error = scene.bulkhead.reconfigure(wrong).unwrap_err();
        assert_eq!(error.field(), field);
        assert!(!error.value().is_empty() && !error.bound().is_empty());
        assert_eq!(scene.bulkhead.config(), config(2, 1));
    }
    assert!(scene.call().is_waiting());
}
