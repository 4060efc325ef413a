//! The `retry_after` of a rejection.

use std::collections::BTreeMap;
use std::time::Duration;

use buttress_core::Reason;

use crate::scene::{MS, Scene, config, pass};

const CALL: Duration = Duration::from_millis(100);

/// A scene in which one call ends every 100 ms.
async fn with_a_pace(queue: usize) -> Scene {
    let scene = Scene::new(config(1, queue));
    for _ in 0..40 {
        let call = scene.call();
        pass(CALL).await;
        drop(call.finish());
    }
    scene
}

fn hint(scene: &Scene) -> Duration {
    let refused = scene.call();
    assert_eq!(refused.reason(), Some(Reason::LimitReached));
    let hint = refused
        .rejection()
        .and_then(|rejection| rejection.retry_after());
    hint.expect("the rate is known")
}

#[tokio::test(start_paused = true)]
async fn without_a_known_rate_there_is_no_retry_after() {
    let scene = Scene::new(config(1, 0));
    let _inside = scene.call();
    assert_eq!(scene.call().rejection().unwrap().retry_after(), None);
}

/// The time that the queue takes to drain, plus jitter of up to the same.
#[tokio::test(start_paused = true)]
async fn it_grows_with_the_queue() {
    for queue in [0, 20, 50] {
        let scene = with_a_pace(queue).await;
        let _inside = scene.call();
        let _waiting: Vec<_> = (0..queue).map(|_| scene.call()).collect();
        let drain = CALL * u32::try_from(queue + 1).unwrap();
        let spread = drain.max(Duration::from_secs(1));
        let hints: Vec<_> = (0..200).map(|_| hint(&scene)).collect();
        let (first, last) = (hints.iter().min().unwrap(), hints.iter().max().unwrap());
        let slack = 10 * MS;
        assert!(*first + slack > drain, "{queue}: {first:?}");
        assert!(*last < drain + spread + slack, "{queue}: {last:?}");
        assert!(*last > drain + spread.mul_f64(0.9), "{queue}: {last:?}");
    }
}

/// Calls that are rejected at the same time do not retry at the same time: no tenth of the time gets twice its part.
#[tokio::test(start_paused = true)]
async fn calls_rejected_together_do_not_retry_together() {
    let scene = with_a_pace(20).await;
    let _inside = scene.call();
    let _waiting: Vec<_> = (0..20).map(|_| scene.call()).collect();
    let mut arrivals = BTreeMap::<u128, u32>::new();
    for _ in 0..2_000 {
        *arrivals.entry(hint(&scene).as_millis() / 210).or_default() += 1;
    }
    let most = arrivals.values().max().unwrap();
    assert!((10..=11).contains(&arrivals.len()), "{arrivals:?}");
    assert!(*most < 400, "{arrivals:?}");
}
