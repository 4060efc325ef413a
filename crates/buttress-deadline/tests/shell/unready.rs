//! A service that is not ready: the wait for it has no request, but still ends.

use buttress_core::{Mode, Reason, TaskContext};
use buttress_testkit::{CountingWaker, ReadyProbe};
use tower::{Layer, Service, ServiceExt};

use crate::support::{
    client, client_config, config, deadline, is_ready, millis, plain, reason, request, server,
    timed,
};

#[tokio::test(start_paused = true)]
async fn a_call_with_a_timeout_does_not_wait_for_an_hour() {
    let (inner, probe) = ReadyProbe::new();
    probe.not_ready();
    let config = config().timeout(millis(1_000));
    let (took, result) = timed(plain(config).layer(inner.clone()).oneshot(request())).await;
    assert_eq!(reason(&result), Some(Reason::DeadlineExceeded));
    assert_eq!(took, millis(1_000));

    let (took, result) = timed(server(config).layer(inner.clone()).oneshot(request())).await;
    assert_eq!(
        (took, reason(&result)),
        (millis(1_000), Some(Reason::DeadlineExceeded))
    );

    let layer = client(client_config().timeout(millis(700)));
    let (took, result) = timed(layer.layer(inner).oneshot(request())).await;
    assert_eq!(
        (took, reason(&result)),
        (millis(700), Some(Reason::DeadlineExceeded))
    );
    assert_eq!((probe.calls(), probe.unready_calls()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_the_task_also_ends_the_wait() {
    let (inner, probe) = ReadyProbe::new();
    probe.not_ready();
    let mut service = server(config().timeout(millis(1_000))).layer(inner);
    let task = CountingWaker::new();
    let mut context = TaskContext::default().with_deadline(deadline(millis(300)));
    assert!(!context.enter(|| is_ready(&mut service, &task)));
    tokio::time::sleep(millis(301)).await;
    assert_eq!(task.wakes(), 1);
    assert!(context.enter(|| is_ready(&mut service, &task)));
    assert!(service.call(request()).await.is_err());
    assert_eq!(probe.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_becomes_ready_in_time_is_called() {
    let (inner, probe) = ReadyProbe::new();
    probe.not_ready();
    let mut service = server(config().timeout(millis(1_000))).layer(inner);
    let task = CountingWaker::new();
    assert!(!is_ready(&mut service, &task));
    tokio::time::sleep(millis(999)).await;
    probe.ready();
    assert!(is_ready(&mut service, &task));
    // The wait leaves nothing behind.
    tokio::time::sleep(millis(5_000)).await;
    assert!(service.call(request()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn after_a_rejection_the_wait_restarts() {
    let (inner, probe) = ReadyProbe::new();
    probe.not_ready();
    let mut service = server(config().timeout(millis(1_000))).layer(inner);
    let task = CountingWaker::new();
    for _ in 0..2 {
        assert!(!is_ready(&mut service, &task));
        assert!(!is_ready(&mut service.clone(), &task));
        tokio::time::sleep(millis(1_001)).await;
        assert!(
            !is_ready(&mut service.clone(), &task),
            "a clone starts its own wait"
        );
        assert!(is_ready(&mut service, &task));
        assert!(service.call(request()).await.is_err());
    }
    // A service that becomes ready later is called, if it is polled again.
    assert!(!is_ready(&mut service, &task));
    tokio::time::sleep(millis(1_001)).await;
    assert!(is_ready(&mut service, &task));
    probe.ready();
    assert!(is_ready(&mut service, &task));
    assert!(service.call(request()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn without_a_timeout_or_full_enforcement_the_wait_has_no_end() {
    for config in [
        config(),
        config().timeout(millis(10)).mode(Mode::Shadow),
        config().timeout(millis(10)).mode(Mode::Off),
    ] {
        let (inner, probe) = ReadyProbe::new();
        probe.not_ready();
        let mut service = server(config).layer(inner);
        let task = CountingWaker::new();
        assert!(!is_ready(&mut service, &task));
        tokio::time::sleep(millis(60_000)).await;
        assert!(!is_ready(&mut service, &task));
    }
}
