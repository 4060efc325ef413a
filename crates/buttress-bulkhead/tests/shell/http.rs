//! How long a call over HTTP keeps its slot.

use ::http::{HeaderMap, Response, StatusCode, header};
use buttress_bulkhead::BulkheadLayer;
use buttress_core::Reason;
use buttress_http::{Http, Until};
use buttress_testkit::{Gate, Script, TestBody};
use http_body_util::BodyExt;

use crate::support::{Scene, config, gated};

fn until_headers() -> Scene<Http> {
    Scene::behind(config(1, 0), |bulkhead| {
        BulkheadLayer::server(bulkhead).until(Until::Headers)
    })
}

fn answers(scene: &Scene<Http>, response: Response<TestBody>) {
    scene.probe.script_next(Script::new().ok(response));
}

/// Defect A04/K04 of tower-resilience, and of tower: the slot is released with the head, and two bodies stream under
/// a limit of one.
#[tokio::test(start_paused = true)]
async fn a_call_keeps_its_slot_until_its_body_has_ended() {
    let scene = Scene::http(config(1, 0));
    let gate = Gate::new();
    answers(&scene, gated(&gate));
    let mut response = scene.call().finish();
    assert_eq!(scene.call().reason(), Some(Reason::BulkheadFull));
    response.frame().await.unwrap().unwrap();
    assert_eq!(scene.call().reason(), Some(Reason::BulkheadFull));
    gate.open();
    let body = response.collect().await.unwrap().to_bytes();
    assert_eq!(body, "two");
    assert_eq!(scene.counts(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_keeps_its_slot_until_its_trailers_are_there() {
    let scene = Scene::http(config(1, 0));
    let gate = Gate::new();
    let body = TestBody::empty().data("a message").wait(&gate);
    answers(&scene, Response::new(body.trailer("grpc-status", "0")));
    let mut response = scene.call().finish();
    response.frame().await.unwrap().unwrap();
    assert_eq!(scene.counts(), (1, 0));
    gate.open();
    let trailers = response.frame().await.unwrap().unwrap().into_trailers();
    let mut expected = HeaderMap::new();
    expected.insert("grpc-status", "0".parse().unwrap());
    assert_eq!(trailers.unwrap(), expected);
    drop(response);
    assert_eq!(scene.counts(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_returns_the_slot() {
    let scene = Scene::http(config(1, 0));
    let body = TestBody::empty().data("half").declare(8).err("reset");
    answers(&scene, Response::new(body));
    let mut response = scene.call().finish();
    response.frame().await.unwrap().unwrap();
    assert_eq!(scene.counts(), (1, 0));
    response.frame().await.unwrap().unwrap_err();
    drop(response);
    assert_eq!(scene.counts(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_unread_body_returns_the_slot_when_it_is_dropped() {
    let scene = Scene::http(config(1, 0));
    answers(&scene, gated(&Gate::new()));
    let response = scene.call().finish();
    assert_eq!(scene.counts(), (1, 0));
    drop(response);
    assert_eq!(scene.counts(), (0, 0));
}

/// A body that must be empty is not polled: the response to a `HEAD`, whatever its length, a 204, a 304.
#[tokio::test(start_paused = true)]
async fn without_a_body_the_call_ends_with_its_head() {
    let with = |status: StatusCode, body: TestBody| {
        let response = Response::builder().status(status);
        response
            .header(header::CONTENT_LENGTH, "8")
            .body(body)
            .unwrap()
    };
    for response in [
        Response::new(TestBody::empty()),
        with(StatusCode::OK, TestBody::empty()),
        with(StatusCode::NO_CONTENT, TestBody::empty().pending()),
        with(StatusCode::NOT_MODIFIED, TestBody::empty().pending()),
    ] {
        let scene = Scene::http(config(1, 0));
        let status = response.status();
        answers(&scene, response);
        let response = scene.call().finish();
        assert_eq!(scene.counts(), (0, 0), "{status}");
        drop(response);
        assert_eq!(scene.counts(), (0, 0), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_in_place_of_a_response_returns_the_slot() {
    let scene = Scene::http(config(1, 0));
    scene.probe.script_next(Script::new().err("refused"));
    scene.probe.let_pass();
    let call = scene.call();
    assert!(call.answer.unwrap().is_err());
    assert_eq!(scene.counts(), (0, 0));
}

/// For streams without an end.
#[tokio::test(start_paused = true)]
async fn until_headers_a_call_ends_with_its_head() {
    let scene = until_headers();
    let streams: Vec<_> = (0..10)
        .map(|_| {
            answers(&scene, gated(&Gate::new()));
            let stream = scene.call().finish();
            assert_eq!(scene.counts(), (0, 0));
            stream
        })
        .collect();
    let before_its_head = scene.call();
    assert!(before_its_head.is_inside());
    assert_eq!(scene.call().reason(), Some(Reason::BulkheadFull));
    // Once, and not again with the body.
    drop(streams);
    assert_eq!(scene.counts(), (1, 0));
}
