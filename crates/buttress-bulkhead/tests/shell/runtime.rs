use std::time::Duration;

use buttress_core::Reason;

use crate::support::{MS, Scene, config, pass};

/// Defect K02 of tower-resilience: a rejection needs a timer, so it panics without one. Here nothing is spawned, and
/// without timers none is created: a wait then ends when it is polled.
#[test]
fn it_works_outside_a_runtime() {
    let scene = Scene::new(config(1, 2).max_wait(MS));
    let inside = scene.call();
    let mut waiting = [scene.call(), scene.call()];

    // This is the real clock. Its millisecond passes while the future is polled repeatedly.
    let began = tokio::time::Instant::now();
    for call in &mut waiting {
        while call.reason().is_none() {
            call.poll();
            assert!(began.elapsed() < Duration::from_secs(30));
        }
        assert_eq!(call.reason(), Some(Reason::QueueTimeout));
    }
    inside.finish();
    assert!(scene.call().is_inside());

    let scene = Scene::new(config(1, 0));
    let _inside = scene.call();
    assert_eq!(scene.call().reason(), Some(Reason::BulkheadFull));
}

#[tokio::test(start_paused = true)]
async fn it_spawns_nothing() {
    let scene = Scene::new(config(1, 2).max_wait(MS));
    let inside = scene.call();
    let _waiting = scene.calls::<2>();
    inside.finish();
    let tasks = tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks();
    assert_eq!(tasks, 0);
}

/// A clock that jumps ends the waits whose time has passed, once.
#[tokio::test(start_paused = true)]
async fn thirty_days_pass_at_once() {
    let scene = Scene::new(config(1, 2).max_wait(MS));
    let inside = scene.call();
    let mut waiting = scene.calls::<2>();
    pass(Duration::from_secs(30 * 24 * 60 * 60)).await;
    for call in &mut waiting {
        assert_eq!(call.task.wakes(), 1);
        call.poll();
        assert_eq!(call.reason(), Some(Reason::QueueTimeout));
    }
    inside.finish();
    assert_eq!(scene.counts(), (0, 0));
}

/// As in a client, on threads: the limit holds, every call is served, and nothing leaks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_on_several_threads_are_all_served_within_the_limit() {
    use buttress_bulkhead::{Bulkhead, BulkheadLayer};
    use buttress_testkit::Gauge;
    use tower::{Layer, ServiceExt, service_fn};

    let bulkhead = Bulkhead::new("test", config(3, 10_000));
    let gauge = Gauge::default();
    let counted = gauge.clone();
    let service = BulkheadLayer::new(&bulkhead).layer(service_fn(move |()| {
        let counted = counted.clone();
        async move {
            let _here = counted.enter();
            tokio::task::yield_now().await;
            Ok::<_, std::io::Error>(())
        }
    }));
    let calls: Vec<_> = (0..2_000)
        .map(|_| tokio::spawn(service.clone().oneshot(())))
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(gauge.total(), 2_000);
    assert!(gauge.peak() <= 3, "{} at once", gauge.peak());
    let snapshot = bulkhead.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.queued), (0, 0));
}

/// F08. Tokio panics on creating a timer in a runtime without timers. A bounded wait could not end by itself there,
/// so it ends at once; a wait without a bound continues. Neither leaks.
#[test]
fn in_a_runtime_without_timers_a_bounded_wait_ends_at_once() {
    for (longest, waits) in [(Some(Duration::from_secs(3600)), 0), (None, 2)] {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime
            .expect("a runtime without drivers can be built")
            .block_on(async {
                let scene = Scene::new(config(1, 2).max_wait(longest));
                let inside = scene.call();
                let mut waiting = scene.calls::<2>();
                assert_eq!(scene.counts(), (1, waits));
                drop(inside.finish());
                if waits > 0 {
                    waiting[0].poll();
                    assert!(waiting[0].is_inside());
                }
                drop(waiting);
                assert_eq!(scene.counts(), (0, 0));
            });
    }
}
