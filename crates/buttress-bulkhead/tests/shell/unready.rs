//! `WhenSaturated::Unready`: clones wait for a slot before they are called, without needless polls.

use std::time::Duration;

use buttress_bulkhead::{BulkheadConfig, BulkheadLayer, BulkheadService, WhenSaturated};
use buttress_core::Mode;
use buttress_testkit::{CountingWaker, ReadyProbe};

use crate::support::{Call, Scene, config, pass, poll_ready, request};

type Service = BulkheadService<ReadyProbe>;

fn scene(config: BulkheadConfig) -> Scene {
    Scene::behind(config, |bulkhead| {
        BulkheadLayer::new(bulkhead).when_saturated(WhenSaturated::Unready)
    })
}

/// A clone, and the task that waits for it.
struct Waiter {
    service: Service,
    task: CountingWaker,
}

impl Waiter {
    fn is_ready(&mut self) -> bool {
        poll_ready(&mut self.service, &self.task).is_ready()
    }

    fn call(self, scene: &Scene) -> Call<Service> {
        let mut call = Call::made(self.service, request(), &scene.probe, self.task);
        call.poll();
        call
    }
}

fn waiters<const N: usize>(scene: &Scene) -> [Waiter; N] {
    [(); N].map(|()| Waiter {
        service: scene.service.clone(),
        task: CountingWaker::new(),
    })
}

fn wakes(waiters: &[Waiter]) -> Vec<usize> {
    waiters.iter().map(|waiter| waiter.task.wakes()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_clone_is_ready_with_a_slot_and_keeps_it() {
    let scene = scene(config(1, 0));
    let [mut first, mut second, mut third] = waiters(&scene);
    assert!(first.is_ready());
    assert!(first.is_ready());
    assert_eq!(scene.counts(), (1, 0));
    assert!(!second.is_ready());
    assert!(!third.is_ready());

    let call = first.call(&scene);
    assert!(call.is_inside());
    assert_eq!(scene.counts(), (1, 0));
    call.finish();
    // In order of arrival, and one for each slot.
    assert_eq!((second.task.wakes(), third.task.wakes()), (1, 0));
    assert!(second.is_ready());
    drop(second);
    assert_eq!(third.task.wakes(), 1);
    assert!(third.is_ready());
}

/// A wait in `poll_ready` has no limit: a load balancer chooses another service.
#[tokio::test(start_paused = true)]
async fn it_waits_without_a_limit_and_is_woken_once() {
    let scene = scene(config(1, 0).max_wait(Duration::from_millis(10)));
    let inside = scene.call();
    let mut clones = waiters::<4>(&scene);
    for clone in &mut clones {
        assert!(!clone.is_ready());
    }
    for _ in 0..60 {
        pass(Duration::from_secs(1)).await;
    }
    assert_eq!(wakes(&clones), [0, 0, 0, 0]);
    inside.finish();
    assert_eq!(wakes(&clones), [1, 0, 0, 0]);
    for clone in &clones {
        assert_eq!(clone.task.wakes_in_own_poll(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_clone_neither_keeps_a_slot_nor_takes_one() {
    let scene = scene(config(1, 0));
    let inside = scene.call();
    let [mut first, mut second, mut third] = waiters(&scene);
    for clone in [&mut first, &mut second, &mut third] {
        assert!(!clone.is_ready());
    }
    drop(second);
    inside.finish();
    assert!(first.is_ready());
    drop(first);
    assert_eq!(third.task.wakes(), 1);
    assert!(third.is_ready());
    drop(third);
    assert_eq!(scene.counts(), (0, 0));
}

/// Neither readiness nor a place in the queue can be cloned.
#[tokio::test(start_paused = true)]
async fn a_clone_of_a_ready_clone_is_not_ready() {
    let scene = scene(config(1, 0));
    let [mut ready] = waiters(&scene);
    assert!(ready.is_ready());
    let mut clone = Waiter {
        service: ready.service.clone(),
        task: CountingWaker::new(),
    };
    assert!(!clone.is_ready());
    assert!(ready.call(&scene).is_inside());
}

/// R10: a slot goes to a clone that can use it.
#[tokio::test(start_paused = true)]
async fn no_slot_is_kept_while_the_inner_service_is_not_ready() {
    let scene = scene(config(1, 0));
    scene.probe.not_ready();
    let [mut first] = waiters(&scene);
    assert!(!first.is_ready());
    assert_eq!(scene.counts(), (0, 0));
    scene.probe.ready();
    assert_eq!(first.task.wakes(), 1);
    assert!(first.is_ready());
    assert_eq!(scene.counts(), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn raising_the_limit_wakes_as_many_waiters_as_fit() {
    let scene = scene(config(1, 0));
    let _inside = scene.call();
    let mut clones = waiters::<5>(&scene);
    for clone in &mut clones {
        assert!(!clone.is_ready());
    }
    scene.bulkhead.reconfigure(config(4, 0)).unwrap();
    assert_eq!(wakes(&clones), [1, 1, 1, 0, 0]);
}

/// A call that waits is served before a service that waits in `poll_ready`.
#[tokio::test(start_paused = true)]
async fn a_waiting_call_is_served_before_a_waiting_clone() {
    let scene = scene(config(1, 1));
    let inside = scene.call();
    let [mut clone] = waiters(&scene);
    assert!(!clone.is_ready());
    // Another layer of the same bulkhead, which rejects or queues.
    let sibling = Scene {
        service: tower::Layer::layer(&BulkheadLayer::new(&scene.bulkhead), probe_of(&scene)),
        bulkhead: scene.bulkhead.clone(),
        probe: scene.probe.clone(),
    };
    let mut waiting = sibling.call();
    assert!(waiting.is_waiting());
    inside.finish();
    assert!(waiting.is_admitted());
    assert_eq!(clone.task.wakes(), 0);
    waiting.finish();
    assert!(clone.is_ready());
}

fn probe_of(scene: &Scene) -> ReadyProbe {
    scene.service.get_ref().clone()
}

#[tokio::test(start_paused = true)]
async fn without_enforcement_clones_are_ready() {
    for mode in [Mode::Off, Mode::Shadow] {
        let scene = scene(config(1, 0).mode(mode));
        let _inside = scene.calls::<2>();
        let mut clones = waiters::<3>(&scene);
        assert!(clones.iter_mut().all(Waiter::is_ready), "{mode:?}");
    }
    let scene = scene(config(1, 0));
    let _inside = scene.call();
    let mut clones = waiters::<3>(&scene);
    for clone in &mut clones {
        assert!(!clone.is_ready());
    }
    let shadow = config(1, 0).mode(Mode::Shadow);
    scene.bulkhead.reconfigure(shadow).unwrap();
    assert_eq!(wakes(&clones), [1, 1, 1]);
    assert!(clones.iter_mut().all(Waiter::is_ready));
}
