use ::http::{Request, Response, StatusCode};
use buttress_core::{Mode, Ratio, Reason};
use buttress_shed::{SharesConfig, ShedLayer, ThrottleConfig};
use buttress_testkit::{Script, TestBody};

use crate::scene::{Scene, config};

#[tokio::test(start_paused = true)]
async fn off_neither_counts_nor_rejects_nor_measures() {
    let config = config(1, 0)
        .throttle(ThrottleConfig::default())
        .shares(SharesConfig::default());
    let scene = Scene::new(config.mode(Mode::Off));
    let inside = scene.calls::<5>();
    assert!(inside.iter().all(|call| call.is_inside()));
    assert_eq!(scene.counts(), (0, 0));
    for call in inside {
        drop(call.finish());
    }
    assert_eq!(scene.shedder.snapshot().throttle.unwrap().sent, 0);
}

/// In shadow mode it counts, and admits all calls without a wait.
#[tokio::test(start_paused = true)]
async fn shadow_counts_and_admits() {
    let scene = Scene::new(config(1, 1).mode(Mode::Shadow));
    let inside = scene.calls::<5>();
    assert!(inside.iter().all(|call| call.is_inside()));
    assert_eq!(scene.counts(), (5, 0));
    for call in inside {
        drop(call.finish());
    }
    assert_eq!(scene.counts(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn enforcement_for_a_share_rejects_that_share_at_the_limit() {
    let mode = Mode::EnforceFor(Ratio::percent(30));
    let scene = Scene::plain(config(1, 0).mode(mode));
    let _inside = scene.call();
    let mut refused = 0;
    for _ in 0..2_000 {
        let call = scene.call();
        if call.reason() == Some(Reason::LimitReached) {
            refused += 1;
        } else {
            assert!(call.is_inside());
        }
    }
    // Ten standard deviations on either side of 600.
    assert!((395..=805).contains(&refused), "{refused} refused");
    assert_eq!(scene.counts(), (1, 0));
}

/// Law 8: which calls a rejection is enforced for depends on the request, and not on chance, for any reason.
#[tokio::test(start_paused = true)]
async fn enforcement_for_a_share_is_the_same_for_one_request_everywhere() {
    let half = Mode::EnforceFor(Ratio::HALF);
    let limited = |request_id: usize| {
        let scene = Scene::new(config(1, 0).mode(half));
        // A call for which it is not enforced is still admitted.
        let _inside = scene.call();
        scene.call_with(named(request_id)).reason().is_some()
    };
    let throttled = |request_id: usize| {
        let throttle = ThrottleConfig::default().floor(1);
        let config = config(1_000, 0).throttle(throttle).mode(half);
        let scene = Scene::behind(config, ShedLayer::client);
        scene.probe.let_pass();
        let mut overloaded = Response::new(TestBody::empty());
        *overloaded.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        scene.probe.script(Script::new().ok(overloaded));
        let _refused = scene.calls::<20>();
        scene.call_with(named(request_id)).reason().is_some()
    };
    let mut bound = 0;
    for request_id in 0..100 {
        let first = limited(request_id);
        bound += u32::from(first);
        for _ in 0..3 {
            assert_eq!(limited(request_id), first, "{request_id}");
        }
        assert_eq!(throttled(request_id), first, "{request_id}");
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
        scene.shedder.reconfigure(config(1, 8).mode(mode)).unwrap();
        let inside_now = waiting.iter_mut().all(|call| call.is_admitted());
        assert!(inside_now, "{mode:?}");
        assert!(scene.call().is_inside());

        scene.shedder.reconfigure(config(1, 8)).unwrap();
        let mut next = scene.call();
        drop(inside.finish());
        for call in waiting {
            assert!(!next.is_admitted(), "{mode:?}");
            drop(call.finish());
        }
        assert!(next.is_admitted(), "{mode:?}");
        drop(next);
        assert_eq!(scene.counts(), (0, 0), "{mode:?}");
    }
}

fn named(request_id: usize) -> Request<TestBody> {
    let request = Request::builder().header("x-request-id", request_id);
    request
        .body(TestBody::empty())
        .expect("a valid header value")
}
