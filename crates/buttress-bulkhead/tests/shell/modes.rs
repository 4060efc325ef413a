use ::http::Request;
use buttress_core::{Mode, Ratio, Reason};
use buttress_testkit::TestBody;

use crate::support::{Scene, config};

#[tokio::test(start_paused = true)]
async fn off_neither_counts_nor_rejects() {
    let scene = Scene::new(config(1, 0).mode(Mode::Off));
    let inside = scene.calls::<5>();
    assert!(inside.iter().all(|call| call.is_inside()));
    assert_eq!(scene.counts(), (0, 0));
}

/// In shadow mode it counts, and admits all calls without a wait.
#[tokio::test(start_paused = true)]
async fn shadow_counts_and_admits() {
    let scene = Scene::new(config(1, 1).mode(Mode::Shadow));
    let inside = scene.calls::<5>();
    assert!(inside.iter().all(|call| call.is_inside()));
    assert_eq!(scene.counts(), (5, 0));
    for call in inside {
        call.finish();
    }
    assert_eq!(scene.counts(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn enforcement_for_a_share_rejects_that_share() {
    let mode = Mode::EnforceFor(Ratio::percent(30));
    let scene = Scene::new(config(1, 0).mode(mode));
    let _inside = scene.call();
    let mut refused = 0;
    for _ in 0..2_000 {
        let call = scene.call();
        if call.reason() == Some(Reason::BulkheadFull) {
            refused += 1;
        } else {
            assert!(call.is_inside());
        }
    }
    // Ten standard deviations on either side of 600.
    assert!((395..=805).contains(&refused), "{refused} refused");
    assert_eq!(scene.counts(), (1, 0));
}

/// The calls admitted beyond the limit count, so the calls for which it enforces wait until they have ended.
#[tokio::test(start_paused = true)]
async fn with_a_share_the_enforced_calls_wait_for_slots() {
    let scene = Scene::new(config(1, 100).mode(Mode::EnforceFor(Ratio::HALF)));
    let mut inside = Vec::new();
    let mut waiting = Vec::new();
    while waiting.len() < 3 || inside.len() < 3 {
        let call = scene.call();
        if call.is_inside() {
            inside.push(call);
        } else {
            assert!(call.is_waiting());
            waiting.push(call);
        }
    }
    for call in inside {
        assert!(waiting.iter().all(|call| call.task.wakes() == 0));
        call.finish();
    }
    assert!(waiting[0].is_admitted());
    assert!(waiting[1..].iter().all(|call| call.task.wakes() == 0));
}

/// Law 8: which calls a rejection is enforced for depends on the request, and not on chance.
#[tokio::test(start_paused = true)]
async fn enforcement_for_a_share_is_the_same_for_one_request_everywhere() {
    let binds = |request_id: usize| {
        let scene = Scene::http(config(1, 0).mode(Mode::EnforceFor(Ratio::HALF)));
        let _inside = scene.call();
        let request = Request::builder().header("x-request-id", request_id);
        let request = request.body(TestBody::empty()).expect("valid");
        scene.call_with(request).reason().is_some()
    };
    let mut bound = 0;
    for request_id in 0..100 {
        let first = binds(request_id);
        bound += u32::from(first);
        for _ in 0..5 {
            assert_eq!(binds(request_id), first, "{request_id}");
        }
    }
    assert!((30..70).contains(&bound), "{bound} of 100");
}

/// If rejections are not enforced, calls do not wait: a new mode admits the waiters.
#[tokio::test(start_paused = true)]
async fn waiters_are_admitted_when_rejections_are_no_longer_enforced() {
    for mode in [Mode::Off, Mode::Shadow] {
        let scene = Scene::new(config(1, 8));
        let inside = scene.call();
        let mut waiting = scene.calls::<3>();
        scene.bulkhead.reconfigure(config(1, 8).mode(mode)).unwrap();
        assert!(
            waiting.iter_mut().all(|call| call.is_admitted()),
            "{mode:?}"
        );
        assert!(scene.call().is_inside());

        // When it enforces again, the calls beyond the limit must end first.
        scene.bulkhead.reconfigure(config(1, 8)).unwrap();
        assert_eq!(scene.counts(), (4, 0));
        let mut next = scene.call();
        inside.finish();
        for call in waiting {
            assert!(!next.is_admitted(), "{mode:?}");
            call.finish();
        }
        assert!(next.is_admitted(), "{mode:?}");
    }
}

/// A call that was admitted while the mode was off holds no slot, so it returns none.
#[tokio::test(start_paused = true)]
async fn calls_admitted_while_off_are_not_counted_later() {
    let scene = Scene::new(config(1, 0).mode(Mode::Off));
    let uncounted = scene.calls::<3>();
    scene.bulkhead.reconfigure(config(1, 0)).unwrap();
    let inside = scene.call();
    assert!(inside.is_inside());
    for call in uncounted {
        call.finish();
    }
    assert_eq!(scene.call().reason(), Some(Reason::BulkheadFull));
    assert_eq!(scene.counts(), (1, 0));
}
