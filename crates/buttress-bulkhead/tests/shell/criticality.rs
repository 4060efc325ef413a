//! More critical calls are admitted first, and evict less critical ones from a full queue.

use buttress_core::Criticality::{self, Critical, High, Low, Medium};
use buttress_core::{Reason, TaskContext};
use tower::Service;

use crate::support::{Call, Scene, config};

/// A call by a task with this criticality, or without one.
fn by(
    scene: &Scene,
    criticality: Option<Criticality>,
) -> Call<
    impl Service<::http::Request<buttress_testkit::TestBody>, Error = buttress_core::BoxError> + use<>,
> {
    TaskContext::default()
        .with_criticality(criticality)
        .enter(|| scene.call())
}

#[tokio::test(start_paused = true)]
async fn more_critical_calls_are_admitted_first() {
    let scene = Scene::new(config(1, 8));
    let mut inside = Some(by(&scene, None));
    // Of two with the same criticality, the first to arrive is first. Without a criticality, it is `High`.
    let came = [Some(Low), Some(High), Some(Critical), Some(Medium), None];
    let mut waiting = came
        .map(|who| (who, by(&scene, who)))
        .into_iter()
        .collect::<Vec<_>>();

    let mut order = Vec::new();
    while let Some(call) = inside.take() {
        call.finish();
        if let Some(next) = waiting.iter_mut().position(|(_, call)| call.is_admitted()) {
            let (who, call) = waiting.remove(next);
            order.push(who);
            inside = Some(call);
        }
    }
    assert_eq!(
        order,
        [Some(Critical), Some(High), None, Some(Medium), Some(Low)]
    );
}

#[tokio::test(start_paused = true)]
async fn in_a_full_queue_a_more_critical_call_evicts_a_less_critical_one() {
    let scene = Scene::new(config(1, 2));
    let _inside = by(&scene, None);
    let mut batch = [by(&scene, Some(Low)), by(&scene, Some(Low))];
    assert!(batch.iter().all(|call| call.is_waiting()));

    let user = by(&scene, Some(High));
    assert!(user.is_waiting());
    // The last of the least critical was evicted, and woken to be rejected.
    assert_eq!(batch.each_ref().map(|call| call.task.wakes()), [0, 1]);
    batch[1].poll();
    assert_eq!(batch[1].reason(), Some(Reason::QueueOverloaded));
    assert_eq!(scene.counts(), (1, 2));

    // Not the other way round, nor among calls of the same criticality.
    let another = by(&scene, Some(Medium));
    assert!(another.is_waiting());
    for who in [Low, Medium] {
        assert_eq!(by(&scene, Some(who)).reason(), Some(Reason::BulkheadFull));
    }
}

#[tokio::test(start_paused = true)]
async fn criticality_can_be_disabled_in_the_queue() {
    let scene = Scene::new(config(1, 2).by_criticality(false));
    let inside = by(&scene, None);
    let mut first = by(&scene, Some(Low));
    let _second = by(&scene, Some(Low));
    assert_eq!(
        by(&scene, Some(Critical)).reason(),
        Some(Reason::BulkheadFull)
    );
    inside.finish();
    assert!(first.is_admitted());
}

/// It is that of the task that makes the call; a future may be polled anywhere.
#[tokio::test(start_paused = true)]
async fn the_criticality_is_that_of_the_calling_task_and_not_of_the_polling_one() {
    let scene = Scene::new(config(1, 8));
    let inside = scene.call();
    let mut batch = by(&scene, Some(Low));
    let mut user = by(&scene, Some(High));
    TaskContext::default()
        .with_criticality(Some(Critical))
        .enter(|| batch.poll());
    inside.finish();
    assert!(user.is_admitted());
    assert!(!batch.is_admitted());
}
