use buttress_testkit::{BodyStep, CountingWaker, ReadyProbe, Script, TestBody};
use http::Response;
use http_body::Body;
use tower::{Layer, Service};

use crate::support::{call, config, millis, readied, request, server};

const POLLS: usize = 3;

#[tokio::test(start_paused = true)]
async fn a_call_dropped_at_any_poll_leaks_nothing() {
    let (inner, probe) = ReadyProbe::new();
    let service = server(config().timeout(millis(100))).layer(inner);
    probe.script(Script::new().pending(POLLS).ok(Response::default()));
    let task = CountingWaker::new();
    for polls in 0..=POLLS {
        let mut future = Box::pin(readied(&service).await.call(request()));
        for _ in 0..polls {
            assert!(task.poll_future(future.as_mut()).is_pending());
        }
        drop(future);
        assert_eq!(probe.in_flight(), 0, "after {polls} polls");
        assert_eq!(task.kept(), 0, "after {polls} polls");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_dropped_at_any_poll_leaks_nothing() {
    let (inner, probe) = ReadyProbe::new();
    let service = server(config().timeout(millis(100)).body_idle(millis(10))).layer(inner);
    let body = (0..POLLS).fold(TestBody::empty(), |body, _| body.step(BodyStep::Pending));
    probe.script(Script::new().ok(Response::new(body.data("late"))));
    let task = CountingWaker::new();
    for polls in 0..=POLLS {
        let response = call(service.clone(), request()).await.unwrap();
        let mut body = Box::pin(response.into_body());
        for _ in 0..polls {
            assert!(task.poll(|cx| body.as_mut().poll_frame(cx)).is_pending());
        }
        drop(body);
        assert_eq!(probe.open_bodies(), 0, "after {polls} polls");
        assert_eq!(task.kept(), 0, "after {polls} polls");
    }
}

#[tokio::test(start_paused = true)]
async fn a_readied_clone_that_is_dropped_leaks_nothing() {
    let (inner, probe) = ReadyProbe::new();
    let service = server(config().timeout(millis(100))).layer(inner);
    drop(readied(&service).await);
    assert_eq!(probe.reserved(), 0);
}
