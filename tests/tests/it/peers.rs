//! Defects of other breakers, each as it was reproduced, if no crate of Buttress has its own test.
use std::time::Duration;

use buttress::ConfigError;
use buttress::prelude::*;
use buttress_testkit::{ProbeHandle, ReadyProbe, Script, TestBody};
use http::Request;
use tower::{Layer, ServiceExt};

type Service = buttress::breaker::BreakerService<ReadyProbe>;

fn behind(config: BreakerConfig) -> (Breaker, Service, ProbeHandle) {
    let breaker = Breaker::new("test", config);
    let (inner, probe) = ReadyProbe::new();
    let service = BreakerLayer::new(&breaker).layer(inner);
    (breaker, service, probe)
}

/// Makes a number of calls, and returns how many of them reached the service.
async fn calls(service: &Service, probe: &ProbeHandle, calls: usize) -> usize {
    let before = probe.calls();
    for _ in 0..calls {
        let request = Request::new(TestBody::empty());
        let _ = service.clone().oneshot(request).await;
    }
    probe.calls() - before
}

fn fails() -> Script<http::Response<TestBody>> {
    Script::new().err("scripted")
}

fn succeeds() -> Script<http::Response<TestBody>> {
    Script::new().ok(http::Response::default())
}

/// A breaker with only a ratio, over a window of a hundred calls.
fn hundred() -> BreakerConfig {
    BreakerConfig::default()
        .window(Window::Count(100))
        .minimum_calls(100)
        .failure_ratio(Ratio::HALF)
        .consecutive_failures(None)
}

/// B01 of tower-resilience: its count window never forgets. After 10 000 successes it takes 10 000 failures to open,
/// where a window of a hundred at 50 % takes fifty.
#[tokio::test(start_paused = true)]
async fn old_successes_leave_the_window() {
    let (breaker, service, probe) = behind(hundred());
    calls(&service, &probe, 10_000).await;
    // B01b: a window of a hundred has a hundred calls.
    assert_eq!(breaker.snapshot().counts.calls, 100);

    probe.script(fails());
    calls(&service, &probe, 49).await;
    assert_eq!(breaker.state(), CircuitState::Closed);
    calls(&service, &probe, 1).await;
    assert_eq!(breaker.state(), CircuitState::Open);
}

/// B02: a minimum below the window's size is ignored.
#[tokio::test(start_paused = true)]
async fn a_minimum_below_the_window_is_enough() {
    let (breaker, service, probe) = behind(hundred().minimum_calls(5));
    probe.script(fails());
    assert_eq!(calls(&service, &probe, 20).await, 5);
    assert_eq!(breaker.state(), CircuitState::Open);
}

/// B07: successful probes leave a time window while their permits are used up, and the circuit is half-open forever.
#[tokio::test(start_paused = true)]
async fn probes_far_apart_close_the_circuit() {
    let window = Duration::from_secs(1);
    let config = BreakerConfig::default()
        .window(Window::Time(window))
        .open_for(OpenDuration::Fixed(window))
        .half_open_timeout(200 * window)
        .probes(2);
    let (breaker, service, probe) = behind(config);
    breaker.trip();
    tokio::time::advance(window).await;
    assert_eq!(calls(&service, &probe, 1).await, 1);
    assert_eq!(breaker.state(), CircuitState::HalfOpen);
    tokio::time::advance(100 * window).await;
    assert_eq!(calls(&service, &probe, 1).await, 1);
    assert_eq!(breaker.state(), CircuitState::Closed);
}

/// B07 again, without any calls for longer than the circuit stays half-open.
#[tokio::test(start_paused = true)]
async fn no_pause_blocks_a_half_open_circuit() {
    let (breaker, service, probe) = behind(BreakerConfig::default().probes(2));
    breaker.trip();
    for pause in [1, 60, 3_600, 30 * 24 * 3_600] {
        tokio::time::advance(Duration::from_secs(pause)).await;
        calls(&service, &probe, 1).await;
    }
    tokio::time::advance(Duration::from_secs(60)).await;
    calls(&service, &probe, 2).await;
    assert_eq!(breaker.state(), CircuitState::Closed);
}

/// B08: a circuit without probes is created, opens, and can never close. Here every invalid configuration is
/// rejected, with name, value and bound.
#[test]
fn an_invalid_configuration_is_rejected_with_name_value_and_bound() {
    let config = BreakerConfig::default;
    let zero = Duration::ZERO;
    for (field, config) in [
        ("probes", config().probes(0)),
        ("probes", config().probes(u32::MAX)),
        ("minimum_calls", config().minimum_calls(0)),
        (
            "minimum_calls",
            config().window(Window::Count(10)).minimum_calls(11),
        ),
        ("window", config().window(Window::Count(0))),
        ("window", config().window(Window::Time(zero))),
        ("failure_ratio", config().failure_ratio(Ratio::ZERO)),
        ("consecutive_failures", config().consecutive_failures(0)),
        ("open_for", config().open_for(OpenDuration::Fixed(zero))),
        ("probe_timeout", config().probe_timeout(zero)),
        (
            "half_open_timeout",
            config().half_open_timeout(Duration::MAX),
        ),
        ("attempt_timeout", config().attempt_timeout(zero)),
    ] {
        let error: ConfigError = Breaker::try_new("test", config).map(drop).unwrap_err();
        let text = error.to_string();
        assert!(error.field().starts_with(field), "{field}: {text}");
        assert!(!error.value().is_empty(), "{field}: {text}");
        assert!(!error.bound().is_empty(), "{field}: {text}");
    }
    assert!(Ratio::new(1.01).is_err());
    assert!(Ratio::new(f64::NAN).is_err());
}

/// B22: `metrics()` includes calls that have left the window.
#[tokio::test(start_paused = true)]
async fn a_snapshot_has_no_expired_calls() {
    let window = Duration::from_secs(10);
    let config = BreakerConfig::default()
        .window(Window::Time(window))
        .consecutive_failures(None);
    let (breaker, service, probe) = behind(config);
    probe.script(fails());
    calls(&service, &probe, 10).await;
    assert_eq!(breaker.snapshot().counts.failures, 10);
    tokio::time::advance(2 * window).await;
    assert_eq!(breaker.snapshot().counts.failures, 0);
    assert_eq!(breaker.snapshot().counts.calls, 0);
}

/// Polly#311 and #717, resilience4j#544: an ignored probe uses up its slot.
#[tokio::test(start_paused = true)]
async fn an_ignored_probe_returns_its_slot() {
    let open_for = Duration::from_secs(1);
    let config = BreakerConfig::default()
        .open_for(OpenDuration::Fixed(open_for))
        .probes(1);
    let breaker = Breaker::new("test", config);
    let (inner, probe) = ReadyProbe::new();
    let layer = BreakerLayer::new(&breaker).classify(|result: &Result<_, BoxError>| match result {
        Ok(_) => Report::SUCCESS,
        Err(_) => Report::IGNORED,
    });
    let service = layer.layer(inner);
    breaker.trip();
    tokio::time::advance(open_for).await;
    probe.script(fails());
    for _ in 0..10 {
        let request = Request::new(TestBody::empty());
        let error = service.clone().oneshot(request).await.unwrap_err();
        assert!(Rejection::find(&*error).is_none(), "{error}");
        assert_eq!(breaker.state(), CircuitState::HalfOpen);
    }
    probe.script(succeeds());
    let request = Request::new(TestBody::empty());
    service.clone().oneshot(request).await.unwrap();
    assert_eq!(breaker.state(), CircuitState::Closed);
}

/// A failure that a predicate ignores must not be reported twice, or nested: the error of the service is the error of
/// the stack (CF4 to CF11, X07: `CircuitBreakerError<BulkheadServiceError<..>>` without a source).
#[tokio::test(start_paused = true)]
async fn an_error_stays_flat_and_a_rejection_names_its_layer() {
    let (_, service, probe) = behind(BreakerConfig::default().consecutive_failures(1));
    probe.script(fails());
    let ask = || service.clone().oneshot(Request::new(TestBody::empty()));
    assert!(ask().await.unwrap_err().is::<buttress_testkit::TestError>());
    let refusal = ask().await.unwrap_err();
    assert_eq!(refusal.downcast_ref::<Rejection>().unwrap().layer(), "test");
}
