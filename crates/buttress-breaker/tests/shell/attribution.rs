//! Which timeouts count against the dependency.

use std::io;
use std::time::Duration;

use buttress_breaker::{Breaker, BreakerConfig, BreakerLayer, CircuitState};
use buttress_core::BoxError;
use buttress_testkit::{ReadyProbe, Script};
use tower::{Layer, Service, ServiceExt, service_fn, timeout::Timeout};

use crate::support::{behind, call, config, pass, request};

/// The time that the dependency should have.
const FULL: Duration = Duration::from_secs(30);
const HASTE: Duration = Duration::from_secs(1);

/// Defect B10 of tower-resilience: an outer timeout cut off 100 calls, and the breaker recorded none of them.
#[tokio::test(start_paused = true)]
async fn calls_cut_off_by_an_outer_timeout_open_it() {
    let breaker = Breaker::new("test", config().attempt_timeout(FULL));
    let (service, probe) = behind(&breaker);
    probe.script(Script::new());
    let service = Timeout::new(service, FULL);
    for _ in 0..3 {
        let error = service.clone().oneshot(request()).await.unwrap_err();
        assert!(error.is::<tower::timeout::error::Elapsed>());
    }
    assert_eq!(breaker.state(), CircuitState::Open);
}

/// B10 with the same numbers: all hundred count.
#[tokio::test(start_paused = true)]
async fn every_call_with_its_full_time_counts_as_a_timeout() {
    let config = config()
        .consecutive_failures(None)
        .window(buttress_breaker::Window::Count(100))
        .attempt_timeout(HASTE);
    let breaker = Breaker::new("test", config);
    let (service, probe) = behind(&breaker);
    probe.script(Script::new());
    let service = Timeout::new(service, HASTE);
    for _ in 0..100 {
        service.clone().oneshot(request()).await.unwrap_err();
    }
    let counts = breaker.snapshot().counts;
    assert_eq!((counts.calls, counts.failures), (100, 100));
}

/// Instawork/llm-proxy#52: five callers with a timeout of a second opened a shared breaker, and about 370 other calls
/// failed fast.
#[tokio::test(start_paused = true)]
async fn callers_with_short_timeouts_never_open_a_shared_breaker() {
    let config = BreakerConfig::default()
        .consecutive_failures(5)
        .minimum_calls(5)
        .attempt_timeout(FULL);
    let breaker = Breaker::new("llm", config);
    let model = service_fn(|_: &'static str| async {
        tokio::time::sleep(3 * HASTE).await;
        Ok::<_, BoxError>("an answer")
    });
    let shared = BreakerLayer::new(&breaker).layer(model);

    let in_haste = Timeout::new(shared.clone(), HASTE);
    for _ in 0..5 {
        in_haste.clone().oneshot("quick").await.unwrap_err();
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
    assert_eq!(breaker.snapshot().counts.calls, 0);

    let others: Vec<_> = (0..370)
        .map(|_| tokio::spawn(shared.clone().oneshot("patient")))
        .collect();
    for other in others {
        assert_eq!(other.await.unwrap().unwrap(), "an answer");
    }
}

/// Without an `attempt_timeout`, the side that caused a drop is unknown.
#[tokio::test(start_paused = true)]
async fn dropped_calls_are_cancelled_without_an_attempt_timeout() {
    let breaker = Breaker::new("test", config());
    let (service, probe) = behind(&breaker);
    probe.script(Script::new());
    let service = Timeout::new(service, FULL);
    for _ in 0..10 {
        service.clone().oneshot(request()).await.unwrap_err();
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
    assert_eq!(breaker.snapshot().counts.calls, 0);
}

/// An inner timeout returns its own error. It counts only if the attempt had its full time.
#[tokio::test(start_paused = true)]
async fn a_reported_timeout_counts_only_with_its_full_time() {
    for (after, failures) in [(HASTE, 0), (FULL, 1)] {
        let breaker = Breaker::new("test", config().attempt_timeout(FULL));
        let inner = service_fn(move |_: ()| async move {
            tokio::time::sleep(after).await;
            Err::<(), _>(io::Error::from(io::ErrorKind::TimedOut))
        });
        let mut service = BreakerLayer::new(&breaker).layer(inner);
        service.ready().await.unwrap().call(()).await.unwrap_err();
        let counts = breaker.snapshot().counts;
        assert_eq!(counts.failures, failures, "after {after:?}");
        assert_eq!(counts.calls, failures, "after {after:?}");
    }
}

/// `attempt_timeout` is for the head. A body that is dropped after it is neutral: its reader may be slow.
#[tokio::test(start_paused = true)]
async fn a_body_that_is_dropped_late_is_neutral() {
    for wait in [HASTE, FULL] {
        let breaker = Breaker::new("test", config().attempt_timeout(FULL));
        let (inner, probe) = ReadyProbe::new();
        let service = BreakerLayer::client(&breaker).layer(inner);
        let gate = buttress_testkit::Gate::new();
        let body = buttress_testkit::TestBody::empty().data("half").wait(&gate);
        probe.script(Script::new().ok(::http::Response::new(body.data("never"))));
        let mut response = call(&service).await.unwrap();
        http_body_util::BodyExt::frame(&mut response)
            .await
            .unwrap()
            .unwrap();
        pass(wait).await;
        drop(response);
        assert_eq!(breaker.snapshot().counts.failures, 0);
    }
}
