//! A client whose dependency rejects many calls.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ::http::{Request, Response, StatusCode};
use buttress_core::{BoxError, Ending, Mode, Reason};
use buttress_shed::{Client, ShedConfig, ShedLayer, Shedder, ThrottleConfig};
use buttress_testkit::{Script, TestBody};
use tower::Layer;

use crate::scene::{Call, MS, Scene, pass};
use crate::support::{call, reason, request};

fn client() -> Scene<Client> {
    client_with(throttle())
}

fn client_with(config: ShedConfig) -> Scene<Client> {
    let scene = Scene::behind(config, ShedLayer::client);
    scene.probe.let_pass();
    scene
}

fn throttle() -> ShedConfig {
    let config = ShedConfig::default().no_limit().queue(0);
    config.throttle(ThrottleConfig::default())
}

/// Makes a number of calls per second, each with the status of `status`, and counts the sent and the accepted ones.
async fn calls(
    scene: &Scene<Client>,
    a_second: u32,
    seconds: u32,
    status: impl Fn(u32) -> StatusCode,
) -> (u32, u32) {
    let (mut sent, mut accepted) = (0, 0);
    for call in 0..a_second * seconds {
        let status = status(call);
        let mut response = Response::new(TestBody::empty());
        *response.status_mut() = status;
        scene.probe.script(Script::new().ok(response));
        let call = scene.call();
        match call.reason() {
            Some(why) => assert_eq!(why, Reason::ClientThrottled),
            None => {
                sent += 1;
                accepted += u32::from(status == StatusCode::OK);
            }
        }
        pass(Duration::from_secs(1) / a_second).await;
    }
    (sent, accepted)
}

/// At ten times its capacity, the dependency is sent twice its capacity, and is fully used.
#[tokio::test(start_paused = true)]
async fn a_dependency_at_ten_times_its_capacity_is_sent_twice_what_it_accepts() {
    let shedder = Shedder::new("test", throttle());
    let asked = Arc::new(AtomicU32::new(0));
    let accepted = Arc::new(AtomicU32::new(0));
    let began = tokio::time::Instant::now();
    let dependency = {
        let (asked, accepted) = (Arc::clone(&asked), Arc::clone(&accepted));
        tower::service_fn(move |_: Request<TestBody>| {
            asked.fetch_add(1, Ordering::Relaxed);
            // A hundred a second, and a burst of ten.
            let due = began.elapsed().as_secs_f64() * 100.0 + 10.0;
            let has_room = f64::from(accepted.load(Ordering::Relaxed)) + 1.0 <= due;
            let mut response = Response::new(TestBody::empty());
            if has_room {
                accepted.fetch_add(1, Ordering::Relaxed);
            } else {
                *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            }
            std::future::ready(Ok::<_, BoxError>(response))
        })
    };
    let service = ShedLayer::client(&shedder).layer(dependency);
    for warm in [true, false] {
        asked.store(0, Ordering::Relaxed);
        let before = accepted.load(Ordering::Relaxed);
        for _ in 0..30_000 {
            let _ = call(&service, request()).await;
            pass(MS).await;
        }
        let sent = asked.load(Ordering::Relaxed);
        let accepted = accepted.load(Ordering::Relaxed) - before;
        if !warm {
            assert!(sent <= 2 * 3_000 + 60, "{sent}");
            assert!(accepted >= 2_950, "{accepted}");
        }
    }
}

/// During the outage it gets five calls per second, and a window after its end all are sent.
#[tokio::test(start_paused = true)]
async fn throttling_ends_with_the_outage() {
    let scene = client();
    let refuses = |_| StatusCode::TOO_MANY_REQUESTS;
    let well = |_| StatusCode::OK;
    assert_eq!(calls(&scene, 100, 20, well).await, (2_000, 2_000));
    calls(&scene, 100, 20, refuses).await;
    let (sent, _) = calls(&scene, 100, 60, refuses).await;
    assert!((290..=310).contains(&sent), "{sent} in a minute");

    calls(&scene, 100, 12, well).await;
    assert_eq!(calls(&scene, 100, 20, well).await, (2_000, 2_000));
    // A call with an error of the dependency itself was accepted, and causes no throttling.
    let (sent, _) = calls(&scene, 100, 20, |_| StatusCode::INTERNAL_SERVER_ERROR).await;
    assert_eq!(sent, 2_000);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_throttled_while_three_of_ten_fail() {
    let scene = client();
    let three_of_ten = |call| match call * 7 % 10 {
        0..3 => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::OK,
    };
    let (sent, _) = calls(&scene, 100, 60, three_of_ten).await;
    assert_eq!(sent, 6_000);
}

/// Like B10 of tower-resilience for throttles: calls that an outer timeout cuts off are not counted, and a dependency
/// that hangs is sent everything.
#[tokio::test(start_paused = true)]
async fn a_dependency_that_hangs_is_sent_less() {
    let scene = client();
    scene.probe.hold();
    for _ in 0..200 {
        let call = scene.call();
        pass(10 * MS).await;
        drop(call.finish());
    }
    let mut held_back = 0;
    for _ in 0..400 {
        let call = scene.call();
        pass(100 * MS).await;
        held_back += u32::from(call.reason() == Some(Reason::ClientThrottled));
        Ending::Expired.during(|| drop(call));
    }
    // For a window, earlier accepted calls still count. After it, one in ten is sent, by chance.
    assert!((235..=305).contains(&held_back), "{held_back}");
}

/// go-zero#5011: calls are counted when they have ended, so those in flight are not.
#[tokio::test(start_paused = true)]
async fn a_call_counts_as_sent_when_it_is_sent() {
    let scene = client();
    scene.probe.hold();
    let inside = scene.calls::<100>();
    let counted = || scene.shedder.snapshot().throttle.unwrap();
    assert_eq!((counted().sent, counted().accepted), (100, 0));
    for call in inside {
        drop(call.finish());
    }
    assert_eq!((counted().sent, counted().accepted), (100, 100));
}

/// go-zero#5011: if calls take longer than the window, none of the accepted calls was sent in it.
#[tokio::test(start_paused = true)]
async fn calls_longer_than_the_window_do_not_throttle() {
    let scene = client();
    scene.probe.hold();
    let mut inside = std::collections::VecDeque::new();
    for _ in 0..600 {
        let call = scene.call();
        assert!(call.is_inside(), "{:?}", call.reason());
        inside.push_back(call);
        pass(100 * MS).await;
        // Each takes half a minute.
        if inside.len() > 300 {
            let oldest = inside.pop_front().unwrap();
            drop(oldest.finish());
        }
    }
}

/// Short timeouts of callers do not count against their dependency.
#[tokio::test(start_paused = true)]
async fn short_timeouts_of_callers_do_not_throttle() {
    let scene = client();
    scene.probe.hold();
    for _ in 0..200 {
        let call = scene.call();
        pass(10 * MS).await;
        drop(call.finish());
    }
    for _ in 0..2_000 {
        let call = scene.call();
        assert!(call.is_inside());
        pass(5 * MS).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttled_call_has_a_retry_after_within_a_second_of_the_next_call() {
    let scene = client();
    // The window still has accepted calls, twice of which are sent. Below the floor, the next one is sent by chance.
    calls(&scene, 100, 10, |_| StatusCode::OK).await;
    calls(&scene, 100, 7, |_| StatusCode::TOO_MANY_REQUESTS).await;
    let call = loop {
        let call = scene.call();
        if call.reason().is_some() {
            break call;
        }
    };
    let after = |call: &Call<_>| call.rejection().unwrap().retry_after().unwrap();
    let first = after(&call);
    // Other calls do not get the same time.
    let all: std::collections::BTreeSet<_> = (0..200).map(|_| after(&scene.call())).collect();
    assert!(all.len() > 190, "{}", all.len());
    let (soonest, latest) = (*all.first().unwrap(), *all.last().unwrap());
    assert!(
        soonest < 400 * MS && latest <= 1_200 * MS,
        "{soonest:?} to {latest:?}"
    );
    assert!(latest - soonest > 800 * MS, "{soonest:?} to {latest:?}");
    pass(first).await;
    assert_eq!(scene.call().reason(), None);
}

#[tokio::test(start_paused = true)]
async fn in_shadow_mode_all_is_sent_and_counted() {
    let scene = client_with(throttle().mode(Mode::Shadow));
    let (sent, _) = calls(&scene, 100, 20, |_| StatusCode::TOO_MANY_REQUESTS).await;
    assert_eq!(sent, 2_000);
    let counted = scene.shedder.snapshot().throttle.unwrap();
    assert_eq!(counted.accepted, 0);
}

/// T5: callers that allow a millisecond get 504, and other calls are still sent.
#[tokio::test(start_paused = true)]
async fn timeouts_requested_by_callers_do_not_throttle() {
    for (given, is_held_back) in [("1m", false), ("10S", true)] {
        let scene = client();
        let mut late = Response::new(TestBody::empty());
        *late.status_mut() = StatusCode::GATEWAY_TIMEOUT;
        scene.probe.script(Script::new().ok(late));
        let mut held_back = 0;
        for _ in 0..200 {
            let mut request = request();
            let given = given.parse().expect("a valid header value");
            request.headers_mut().insert("grpc-timeout", given);
            held_back += u32::from(scene.call_with(request).reason().is_some());
        }
        assert_eq!(held_back > 0, is_held_back, "{given}");
    }
}

/// An error without a response counts by its kind: a call that never reached the dependency was not accepted.
#[tokio::test(start_paused = true)]
async fn a_dependency_that_cannot_be_reached_is_sent_less() {
    let shedder = Shedder::new("test", throttle());
    let unreachable = tower::service_fn(|_: Request<TestBody>| async {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        Err::<Response<TestBody>, BoxError>(refused.into())
    });
    let service = ShedLayer::client(&shedder).layer(unreachable);
    let mut held_back = 0;
    for _ in 0..1_000 {
        let result = call(&service, request()).await;
        held_back += u32::from(reason(&result) == Some(Reason::ClientThrottled));
    }
    assert_eq!(held_back, 949);
}
