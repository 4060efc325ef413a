use std::time::Duration;

use buttress_core::Reason;
use buttress_shed::{ShedLayer, Shedder};
use tower::{Layer, ServiceExt, service_fn};

use crate::scene::{MS, Scene, config, pass};

/// Nothing is spawned, and without timers none is created: a wait then ends when it is polled.
#[test]
fn it_works_outside_a_runtime() {
    let scene = Scene::new(config(1, 2).max_wait(MS));
    let inside = scene.call();
    let mut waiting = scene.calls::<2>();

    // This is the real clock. Its millisecond passes while the future is polled repeatedly, or has already passed.
    let began = tokio::time::Instant::now();
    for call in &mut waiting {
        while call.is_waiting() {
            call.poll();
            assert!(began.elapsed() < Duration::from_secs(30));
        }
        assert_eq!(call.reason(), Some(Reason::QueueTimeout));
    }
    drop(inside.finish());
    assert!(scene.call().is_inside());
}

#[tokio::test(start_paused = true)]
async fn it_spawns_nothing() {
    let scene = Scene::new(config(1, 2).max_wait(MS));
    let inside = scene.call();
    let _waiting = scene.calls::<2>();
    drop(inside.finish());
    let metrics = tokio::runtime::Handle::current().metrics();
    assert_eq!(metrics.num_alive_tasks(), 0);
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
    drop(inside.finish());
    assert_eq!(scene.counts(), (0, 0));
}

/// On threads the limit holds, every call is served, and nothing leaks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_on_several_threads_are_all_served_within_the_limit() {
    let shedder = Shedder::new("test", config(3, 10_000));
    let gauge = buttress_testkit::Gauge::default();
    let counted = gauge.clone();
    let service = ShedLayer::new(&shedder).layer(service_fn(move |()| {
        let counted = counted.clone();
        async move {
            let _here = counted.enter();
            tokio::task::yield_now().await;
            Ok::<_, std::convert::Infallible>(())
        }
    }));
    let tasks: Vec<_> = (0..2_000)
        .map(|_| tokio::spawn(service.clone().oneshot(())))
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert!(gauge.peak() <= 3, "{}", gauge.peak());
    let snapshot = shedder.snapshot();
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
