//! A queue that does not drain.

use buttress_bulkhead::ControlledDelay;
use buttress_core::Reason;

use crate::support::{MS, Scene, config, pass};

/// One call ends every 20 ms, and several calls wait. Returns the number of those that were served, and why the
/// others were not.
async fn served(rule: Option<ControlledDelay>) -> (usize, Vec<Option<Reason>>) {
    let scene = Scene::new(config(1, 40).controlled_delay(rule));
    let mut inside = scene.call();
    let mut waiting = Vec::from(scene.calls::<40>());
    let mut served = 0;
    while !waiting.is_empty() {
        pass(20 * MS).await;
        inside.finish();
        waiting.iter_mut().for_each(|call| call.poll());
        let Some(next) = waiting.iter().position(|call| call.is_inside()) else {
            break;
        };
        inside = waiting.remove(next);
        served += 1;
    }
    (served, waiting.iter().map(|call| call.reason()).collect())
}

/// After an interval in which even the shortest wait was too long, a waiter that has waited long is dropped when its
/// turn comes, which is true for all of them by then.
#[tokio::test(start_paused = true)]
async fn a_long_wait_in_a_queue_that_does_not_drain_is_rejected() {
    assert_eq!(served(None).await, (40, Vec::new()));
    let (served, others) = served(Some(ControlledDelay::default())).await;
    assert_eq!(served, 6);
    assert_eq!(others, [Some(Reason::QueueOverloaded); 34]);
}
