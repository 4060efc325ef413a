//! A4: a panic of the inner service unwinds to its caller only, its slot goes to the next call, and the shedder
//! remains usable.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ::http::Response;
use buttress_testkit::{CountingWaker, Script, TestBody};
use http_body_util::BodyExt;
use tower::Service;

use crate::scene::{Scene, config, poll_ready};
use crate::support::request;

#[tokio::test(start_paused = true)]
async fn a_panic_in_call_returns_the_slot() {
    returns_the_slot(Script::new().panic_in_call()).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_poll_returns_the_slot() {
    returns_the_slot(Script::new().pending(1).panic()).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_body_returns_the_slot() {
    let body = TestBody::empty().data("half").declare(8).panic();
    returns_the_slot(Script::new().ok(Response::new(body))).await;
}

/// Runs `script` more often than there are slots, and then uses all of them.
async fn returns_the_slot(script: Script<Response<TestBody>>) {
    let scene = Scene::new(config(2, 1));
    scene.probe.let_pass();
    for _ in 0..5 {
        scene.probe.script_next(script.clone());
        let service = scene.service.clone();
        let suffering = tokio::spawn(async move {
            let call = tower::ServiceExt::oneshot(service, request());
            if let Ok(response) = call.await {
                let _ = response.collect().await;
            }
        });
        assert!(suffering.await.is_err_and(|error| error.is_panic()));
        assert_eq!(scene.counts(), (0, 0));
    }
    scene.probe.hold();
    let inside = scene.calls::<2>();
    assert!(inside.iter().all(|call| call.is_inside()));
    assert!(scene.call().is_waiting());
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_drop_of_a_call_returns_the_slot() {
    let scene = Scene::plain(config(1, 1));
    scene.probe.let_pass();
    scene.probe.script_next(Script::new().panic_in_drop());
    let mut service = scene.service.clone();
    assert!(poll_ready(&mut service, &CountingWaker::new()).is_ready());
    let call = service.call(request());
    scene.probe.hold();
    let mut next = scene.call();
    catch_unwind(AssertUnwindSafe(|| drop(call))).unwrap_err();
    assert!(next.is_admitted());
}

/// It has its slot, and its service panics while it becomes ready, or when it is called.
#[tokio::test(start_paused = true)]
async fn a_panic_after_the_wait_gives_the_slot_to_the_next() {
    for in_poll_ready in [true, false] {
        let scene = Scene::new(config(1, 2));
        let inside = scene.call();
        let [mut first, mut second] = scene.calls();
        drop(inside.finish());
        if in_poll_ready {
            scene.probe.panics_in_poll_ready();
        } else {
            scene.probe.script_next(Script::new().panic_in_call());
        }
        catch_unwind(AssertUnwindSafe(|| first.poll())).unwrap_err();
        assert_eq!(second.task.wakes(), 1, "in poll_ready: {in_poll_ready}");
        scene.probe.ready();
        assert!(second.is_admitted());
        drop(first);
        assert_eq!(scene.counts(), (1, 0));
    }
}

/// A panic in the user's code has no further effect: in the trust policy, the caller function, the classifier.
#[tokio::test(start_paused = true)]
async fn a_panic_while_reading_a_request_reaches_only_its_caller() {
    let scene = Scene::behind(config(1, 1), |shedder| {
        buttress_shed::ShedLayer::server(shedder).trust_if(|headers, _| {
            assert!(!headers.contains_key("x-panic"), "on purpose");
            false
        })
    });
    let panics = || {
        let mut request = crate::support::with_criticality("low");
        let value = ::http::HeaderValue::from_static("yes");
        request.headers_mut().insert("x-panic", value);
        let call = || drop(scene.call_with(request));
        catch_unwind(AssertUnwindSafe(call)).unwrap_err();
    };
    panics();
    assert_eq!(scene.counts(), (0, 0));
    let inside = scene.call();
    assert!(inside.is_inside());
    panics();
    assert_eq!(scene.counts(), (1, 0));
    let mut next = scene.call();
    drop(inside.finish());
    assert!(next.is_admitted());
}
