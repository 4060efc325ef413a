//! How long a call over HTTP keeps its slot, and what the limit learns from it.

use std::convert::Infallible;
use std::time::Duration;

use ::http::{Request, Response, StatusCode};
use buttress_core::Reason;
use buttress_http::Until;
use buttress_shed::{LimitConfig, Server, ShedConfig, ShedLayer, Shedder};
use buttress_testkit::{Gate, Script, TestBody};
use http_body_util::BodyExt;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tower::{Layer, ServiceExt, service_fn};

use crate::scene::{Scene, config, pass};
use crate::support::request;

/// go-zero#5011, tower-http#447: streaming bodies are not counted, and any number of them is in flight.
#[tokio::test(start_paused = true)]
async fn a_call_keeps_its_slot_until_its_trailers_are_there() {
    let scene = Scene::behind(config(1, 0), until_the_end);
    let gate = Gate::new();
    let body = TestBody::empty().data("a message").wait(&gate);
    answers(&scene, body.trailer("grpc-status", "0"));
    let mut response = scene.call().finish();
    response.frame().await.unwrap().unwrap();
    assert_eq!(scene.call().reason(), Some(Reason::LimitReached));
    gate.open();
    let trailers = response.frame().await.unwrap().unwrap().into_trailers();
    assert_eq!(trailers.unwrap()["grpc-status"], "0");
    assert_eq!(scene.counts(), (0, 0));
}

/// palantir#1255: for services that stream, a slot for each stream is not wanted.
#[tokio::test(start_paused = true)]
async fn by_default_a_body_keeps_no_slot() {
    let scene = Scene::new(config(1, 0));
    answers(&scene, TestBody::empty().data("a").wait(&Gate::new()));
    let streaming = scene.call().finish();
    assert_eq!(scene.counts(), (0, 0));
    assert!(scene.call().is_inside());
    drop(streaming);
    assert_eq!(scene.counts(), (0, 0));
}

/// Dashboards that keep an event stream open, or sockets that read nothing: as many as the initial limit.
#[tokio::test(start_paused = true)]
async fn open_streams_do_not_use_up_the_limit() {
    let scene = Scene::new(ShedConfig::default());
    let streams: Vec<_> = (0..PLACES)
        .map(|_| {
            answers(&scene, TestBody::empty().data("event").wait(&Gate::new()));
            scene.call().finish()
        })
        .collect();
    for _ in 0..600 {
        let call = scene.call();
        assert!(call.is_inside());
        drop(call.finish());
        pass(Duration::from_secs(1)).await;
    }
    drop(streams);
}

#[tokio::test(start_paused = true)]
async fn empty_and_broken_bodies_release_the_slot() {
    let scene = Scene::behind(config(1, 0), until_the_end);
    answers(&scene, TestBody::empty());
    let kept = scene.call().finish();
    assert_eq!(scene.counts(), (0, 0));
    answers(&scene, TestBody::empty().data("half").err("reset"));
    let broken = scene.call().finish();
    assert_eq!(scene.counts(), (1, 0));
    broken.collect().await.unwrap_err();
    assert_eq!(scene.counts(), (0, 0));
    drop(kept);
}

/// How long a stream is read depends on its caller.
#[tokio::test(start_paused = true)]
async fn a_stream_of_an_hour_affects_neither_limit_nor_margin() {
    for dropped in [false, true] {
        let scene = Scene::behind(adaptive(), until_the_end);
        for _ in 0..ROUNDS {
            let gate = Gate::new();
            let streams: Vec<_> = (0..PLACES)
                .map(|_| {
                    answers(&scene, TestBody::empty().data("a").wait(&gate));
                    scene.call().finish()
                })
                .collect();
            pass(HOUR).await;
            gate.open();
            for stream in streams {
                if !dropped {
                    stream.collect().await.unwrap();
                }
            }
        }
        let snapshot = scene.shedder.snapshot();
        assert!(snapshot.limit.limit > PLACES, "{snapshot:?}");
        assert!(snapshot.margin < Duration::from_millis(1), "{snapshot:?}");
    }
}

/// The same hour counts if the head of the response takes it.
#[tokio::test(start_paused = true)]
async fn an_hour_until_the_head_lowers_the_limit() {
    let scene = Scene::new(adaptive());
    for _ in 0..ROUNDS {
        let calls: Vec<_> = (0..scene.shedder.snapshot().limit.limit)
            .map(|_| scene.call())
            .collect();
        pass(HOUR).await;
        for call in calls {
            drop(call.finish());
        }
    }
    let snapshot = scene.shedder.snapshot();
    assert!(snapshot.limit.limit < PLACES / 2, "{snapshot:?}");
    assert!(snapshot.margin >= HOUR, "{snapshot:?}");
}

fn until_the_end(shedder: &Shedder) -> ShedLayer<Server> {
    ShedLayer::server(shedder).until(Until::BodyEnd)
}

fn adaptive() -> ShedConfig {
    let limit = LimitConfig::aimd(Duration::from_secs(1)).initial(PLACES as u32);
    ShedConfig::default().limit(limit).queue(0)
}

/// Scripts a response with this body for the next call.
fn answers(scene: &Scene<Server>, body: TestBody) {
    let script = Script::new().ok(Response::new(body));
    scene.probe.script_next(script);
}

const PLACES: u64 = 20;
const ROUNDS: usize = 30;
const HOUR: Duration = Duration::from_secs(3_600);

/// A service that handles any load in 75 ms, and responds to one caller with 429 at once: with a server's limit,
/// others are not rejected for that.
#[tokio::test(start_paused = true)]
async fn responses_that_blame_one_caller_reject_no_others() {
    for noisy in [0, 20, 15] {
        let shedder = Shedder::new("test", ShedConfig::default());
        let service = ShedLayer::server(&shedder).layer(service_fn(limited_by_caller));
        let (mut asked, mut refused) = (0_u32, 0_u32);
        let mut calls = JoinSet::new();
        let began = Instant::now();
        for n in 0_u32.. {
            let now = began.elapsed();
            if now > Duration::from_secs(300) {
                break;
            }
            let is_noisy = n % 100 < noisy;
            let mut request = request();
            if is_noisy {
                *request.uri_mut() = "/noisy".parse().unwrap();
            }
            let counts = now > Duration::from_secs(200) && !is_noisy;
            let call = service.clone().oneshot(request);
            calls.spawn(async move { (counts, call.await.is_err()) });
            sleep(Duration::from_micros(4_200)).await;
            while let Some(Ok((counts, failed))) = calls.try_join_next() {
                asked += u32::from(counts);
                refused += u32::from(counts && failed);
            }
        }
        let limit = shedder.snapshot().limit;
        assert!(
            refused * 20 <= asked,
            "{noisy} %: {refused} of {asked}, {limit:?}"
        );
    }
}

async fn limited_by_caller(request: Request<TestBody>) -> Result<Response<TestBody>, Infallible> {
    let mut response = Response::new(TestBody::empty());
    match request.uri().path() {
        "/noisy" => *response.status_mut() = StatusCode::TOO_MANY_REQUESTS,
        _ => sleep(Duration::from_millis(75)).await,
    }
    Ok(response)
}
