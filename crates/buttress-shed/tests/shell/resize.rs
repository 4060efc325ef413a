//! A new configuration, while calls are in flight and others wait.

use buttress_core::Reason;

use crate::scene::{Scene, config};

/// A7: no call is admitted until fewer are in flight than the new limit, and none is ended.
#[tokio::test(start_paused = true)]
async fn a_limit_below_the_calls_in_flight_admits_and_ends_none() {
    let scene = Scene::new(config(4, 8));
    let mut inside = Vec::from(scene.calls::<4>());
    scene.shedder.reconfigure(config(2, 8)).unwrap();
    assert_eq!(scene.shedder.snapshot().limit.limit, 2);
    let mut waiting = scene.call();
    for under_way in [4, 3, 2] {
        assert_eq!(scene.counts(), (under_way, 1));
        assert!(!waiting.is_admitted());
        assert!(inside.iter().all(|call| call.is_inside()));
        drop(inside.pop().unwrap().finish());
    }
    assert!(waiting.is_admitted());
    assert_eq!(scene.counts(), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn raising_the_limit_wakes_as_many_waiters_as_fit_in_order() {
    let scene = Scene::new(config(1, 8));
    let _inside = scene.call();
    let mut waiting = scene.calls::<5>();
    for (limit, admit_waiters) in [(3, 2), (4, 3), (4, 3), (100, 5)] {
        scene.shedder.reconfigure(config(limit, 8)).unwrap();
        let woken = waiting.each_ref().map(|call| call.task.wakes());
        let expected: [usize; 5] = std::array::from_fn(|at| usize::from(at < admit_waiters));
        assert_eq!(woken, expected, "limit {limit}");
    }
    assert!(waiting.iter_mut().all(|call| call.is_admitted()));
    assert_eq!(scene.counts(), (6, 0));
}

/// A shorter queue evicts no waiter, and adds none.
#[tokio::test(start_paused = true)]
async fn a_shorter_queue_keeps_its_waiters() {
    let scene = Scene::new(config(1, 4));
    let mut inside = scene.call();
    let waiting = scene.calls::<4>();
    scene.shedder.reconfigure(config(1, 2)).unwrap();
    assert_eq!(scene.call().reason(), Some(Reason::LimitReached));
    for mut next in waiting {
        drop(inside.finish());
        assert!(next.is_admitted());
        inside = next;
    }
    assert_eq!(scene.counts(), (1, 0));
}

/// An invalid configuration changes nothing.
#[tokio::test(start_paused = true)]
async fn a_configuration_that_is_rejected_changes_nothing() {
    let scene = Scene::new(config(2, 1));
    let before = (scene.shedder.config(), scene.shedder.snapshot());
    let error = scene.shedder.reconfigure(config(0, 1)).unwrap_err();
    assert_eq!(error.field(), "limit");
    assert_eq!((scene.shedder.config(), scene.shedder.snapshot()), before);
}
