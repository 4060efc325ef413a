use buttress_core::Reason;
use buttress_testkit::{CountingWaker, Gate, ReadyProbe, Script, TestBody, VirtualClock};
use http::Response;
use tower::{Layer, Service};

use crate::support::{
    Witness, after, call, config, is_ready, millis, readied, reason, request, server, timed,
};

#[tokio::test(start_paused = true)]
async fn the_head_has_its_own_timeout() {
    let impatient = config().head_timeout(millis(50));
    for config in [impatient, impatient.timeout(millis(300))] {
        let service = server(config).layer(after(millis(100), &Witness::default()));
        let (took, result) = timed(call(service, request())).await;
        assert_eq!(reason(&result), Some(Reason::DeadlineExceeded));
        assert_eq!(took, millis(50));
    }
    let service = server(impatient).layer(after(millis(40), &Witness::default()));
    call(service, request()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_response_ready_at_the_deadline_is_returned() {
    let service =
        server(config().timeout(millis(100))).layer(after(millis(100), &Witness::default()));
    call(service, request()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_inner_call_is_dropped_at_the_deadline_and_not_later() {
    let (inner, probe) = ReadyProbe::new();
    probe.hold();
    let service = server(config().timeout(millis(100))).layer(inner);
    let mut future = Box::pin(readied(&service).await.call(request()));
    let result = future.as_mut().await;
    assert_eq!(reason(&result), Some(Reason::DeadlineExceeded));
    assert_eq!(probe.in_flight(), 0, "although the future is not dropped");
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_inner_service_is_passed_on() {
    let (inner, probe) = ReadyProbe::new();
    probe.script_next(Script::new().err("scripted failure"));
    let service = server(config().timeout(millis(100))).layer(inner);
    let error = call(service, request()).await.unwrap_err();
    assert!(error.is::<buttress_testkit::TestError>());
}

/// A call with an immediate response needs no timer, so it needs no runtime.
#[test]
fn it_works_outside_a_runtime() {
    let (inner, probe) = ReadyProbe::new();
    let gate = Gate::new();
    let mut service = server(config().timeout(millis(100))).layer(inner);
    let task = CountingWaker::new();
    for script in [Script::new(), Script::new().wait(&gate)] {
        probe.script_next(script.ok(Response::new(TestBody::empty())));
        assert!(is_ready(&mut service, &task));
        let mut future = Box::pin(service.call(request()));
        let polled = task.poll_future(future.as_mut());
        if polled.is_pending() {
            gate.open();
            assert!(task.poll_future(future.as_mut()).is_ready());
        }
    }
    assert_eq!(probe.calls(), 2);
}

#[test]
fn thirteen_days_of_deadlines_pass() {
    let clock = VirtualClock::new();
    let _runtime = clock.enter();
    let (inner, probe) = ReadyProbe::new();
    probe.hold();
    let day = millis(24 * 60 * 60 * 1_000);
    let mut service = server(config().timeout(13 * day)).layer(inner);
    let task = CountingWaker::new();
    assert!(is_ready(&mut service, &task));
    let mut future = Box::pin(service.call(request()));
    for _ in 0..12 {
        assert!(task.poll_future(future.as_mut()).is_pending());
        clock.advance(day);
    }
    assert!(task.poll_future(future.as_mut()).is_pending());
    clock.advance(day + millis(1));
    assert!(task.poll_future(future.as_mut()).is_ready());
    assert_eq!(probe.in_flight(), 0);
}

/// Tokio panics on creating a timer in a runtime without timers. A call then ends when it is polled.
#[test]
fn in_a_runtime_without_timers_a_late_call_ends_when_polled() {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime
        .expect("a runtime without drivers can be built")
        .block_on(async {
            let layer = server(config().timeout(millis(1)));
            let hangs = tower::service_fn(|_: http::Request<TestBody>| {
                std::future::pending::<Result<Response<TestBody>, std::io::Error>>()
            });
            let mut answer = Box::pin(tower::ServiceExt::oneshot(layer.layer(hangs), request()));
            let task = CountingWaker::new();
            let ended = loop {
                if let std::task::Poll::Ready(ended) = task.poll_future(answer.as_mut()) {
                    break ended;
                }
                std::thread::yield_now();
            };
            assert_eq!(reason(&ended), Some(Reason::DeadlineExceeded));
        });
}
