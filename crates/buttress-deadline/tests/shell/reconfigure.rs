//! A configuration that is replaced while there are services and calls.

use std::convert::Infallible;

use buttress_core::{Mode, Reason};
use buttress_deadline::{DeadlineLayer, DeadlineService, Deadlines};
use buttress_testkit::{CountingWaker, Gate, ReadyProbe, TestBody};
use http::Response;
use http_body_util::BodyExt;
use tower::{Layer, Service, service_fn};

use crate::support::{
    Witness, after, call, calls, client_config, config, is_ready, millis, only, reason, request,
    timed,
};

/// The service, its clones, and services of other layers of the handle.
#[tokio::test(start_paused = true)]
async fn all_services_of_a_handle_use_the_new_configuration() {
    let deadlines = Deadlines::new("test", config().timeout(millis(100)));
    let hangs = || after(millis(10_000), &Witness::default());
    let first = DeadlineLayer::server(&deadlines).layer(hangs());
    let layer = DeadlineLayer::server(&deadlines.clone());
    let (clone, second) = (first.clone(), layer.layer(hangs()));

    deadlines
        .reconfigure(config().timeout(millis(300)))
        .unwrap();
    let third = layer.layer(hangs());
    for service in [first, clone, second, third] {
        let (took, result) = timed(call(service, request())).await;
        assert_eq!(reason(&result), Some(Reason::DeadlineExceeded));
        assert_eq!(took, millis(300));
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_without_http_uses_the_new_configuration() {
    let deadlines = Deadlines::new("test", config());
    let service = DeadlineLayer::new(&deadlines).layer(service_fn(|()| async {
        tokio::time::sleep(millis(500)).await;
        Ok::<_, Infallible>(())
    }));
    assert!(call(service.clone(), ()).await.is_ok());

    deadlines
        .reconfigure(config().timeout(millis(100)))
        .unwrap();
    let result = call(service, ()).await;
    assert_eq!(reason(&result), Some(Reason::DeadlineExceeded));
}

#[tokio::test(start_paused = true)]
async fn a_client_sends_what_the_new_configuration_allows() {
    let deadlines = Deadlines::new("test", client_config());
    let witness = Witness::default();
    let client = DeadlineLayer::client(&deadlines).layer(after(millis(0), &witness));
    deadlines
        .reconfigure(client_config().timeout(millis(700)))
        .unwrap();
    call(client, request()).await.unwrap();
    let sent = only(&witness).headers;
    assert_eq!(sent["x-envoy-expected-rq-timeout-ms"], "700");
}

#[tokio::test(start_paused = true)]
async fn a_call_in_flight_keeps_its_deadline() {
    let deadlines = Deadlines::new("test", config().timeout(millis(300)));
    let inner = after(millis(10_000), &Witness::default());
    let mut service = DeadlineLayer::server(&deadlines).layer(inner);
    let in_flight = service.call(request());
    deadlines
        .reconfigure(config().timeout(millis(100)).mode(Mode::Off))
        .unwrap();
    let (took, result) = timed(in_flight).await;
    assert_eq!(reason(&result), Some(Reason::DeadlineExceeded));
    assert_eq!(took, millis(300));
}

/// The timeouts of the body are those of the configuration at the start of the call, even if the head arrives later.
#[tokio::test(start_paused = true)]
async fn a_call_in_flight_keeps_the_timeouts_of_its_body() {
    let deadlines = Deadlines::new("test", config().body_timeout(millis(300)));
    let endless = service_fn(|_| async {
        Ok::<_, Infallible>(Response::new(TestBody::empty().wait(&Gate::new())))
    });
    let mut service = DeadlineLayer::server(&deadlines).layer(endless);
    let in_flight = service.call(request());
    deadlines.reconfigure(config()).unwrap();
    let response = in_flight.await.unwrap();
    let (took, end) = timed(response.into_body().frame()).await;
    assert!(end.is_some_and(|frame| frame.is_err()));
    assert_eq!(took, millis(300));
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_readiness_keeps_its_timeout() {
    let (inner, probe) = ReadyProbe::new();
    probe.not_ready();
    let deadlines = Deadlines::new("test", config().timeout(millis(1_000)));
    let mut service = DeadlineLayer::server(&deadlines).layer(inner);
    let task = CountingWaker::new();
    assert!(!is_ready(&mut service, &task));

    deadlines
        .reconfigure(config().timeout(millis(100)))
        .unwrap();
    tokio::time::sleep(millis(500)).await;
    assert!(!is_ready(&mut service, &task));
    tokio::time::sleep(millis(501)).await;
    assert!(is_ready(&mut service, &task));
    assert!(service.call(request()).await.is_err());

    // The next wait has the new timeout.
    assert!(!is_ready(&mut service, &task));
    tokio::time::sleep(millis(101)).await;
    assert!(is_ready(&mut service, &task));
}

/// `poll_ready` has returned ready because the time had passed, and not because the inner service is ready.
#[tokio::test(start_paused = true)]
async fn an_inner_service_that_is_not_ready_is_not_called_after_the_mode_changed() {
    let (inner, probe) = ReadyProbe::new();
    probe.not_ready();
    let deadlines = Deadlines::new("test", config().timeout(millis(100)));
    let mut service = DeadlineLayer::server(&deadlines).layer(inner);
    let task = CountingWaker::new();
    assert!(!is_ready(&mut service, &task));
    tokio::time::sleep(millis(101)).await;
    assert!(is_ready(&mut service, &task));

    deadlines.reconfigure(config().mode(Mode::Off)).unwrap();
    let result = service.call(request()).await;
    assert_eq!(reason(&result), Some(Reason::DeadlineExceeded));
    assert_eq!((probe.calls(), probe.unready_calls()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_invalid_configuration_changes_nothing() {
    let deadlines = Deadlines::new("test", config().timeout(millis(100)));
    let witness = Witness::default();
    let inner = after(millis(10_000), &witness);
    let service = DeadlineLayer::server(&deadlines).layer(inner);
    let error = deadlines
        .reconfigure(config().timeout(millis(0)))
        .unwrap_err();
    assert_eq!(error.field(), "timeout");
    assert_eq!(deadlines.config(), config().timeout(millis(100)));
    let (took, _) = timed(call(service, request())).await;
    assert_eq!((took, calls(&witness)), (millis(100), 1));
}

#[test]
fn a_handle_returns_its_name_and_its_configuration() {
    let deadlines = Deadlines::new("api", config());
    assert_eq!((deadlines.name(), deadlines.config()), ("api", config()));
    deadlines.reconfigure(config().minimum(millis(5))).unwrap();
    assert_eq!(deadlines.clone().config(), config().minimum(millis(5)));
    let _: DeadlineService<(), _> = DeadlineLayer::client(&Deadlines::default()).layer(());
}
