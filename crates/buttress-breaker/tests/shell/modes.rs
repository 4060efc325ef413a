use ::http::Request;
use buttress_breaker::{Breaker, BreakerLayer, CircuitState};
use buttress_core::{Mode, Ratio, Reason};
use buttress_testkit::{ReadyProbe, TestBody};
use tower::{Layer, ServiceExt};

use crate::support::{behind, call, config, failure, reason, success};

#[tokio::test(start_paused = true)]
async fn off_neither_decides_nor_records() {
    let breaker = Breaker::new("test", config().mode(Mode::Off));
    let (service, probe) = behind(&breaker);
    probe.script(failure());
    for _ in 0..10 {
        assert_eq!(reason(&call(&service).await), None);
    }
    assert_eq!(probe.calls(), 10);
    assert_eq!(breaker.state(), CircuitState::Closed);
    assert_eq!(breaker.snapshot().counts.calls, 0);
    // Not even an operator's isolation applies.
    let _guard = breaker.isolate("maintenance");
    assert_eq!(reason(&call(&service).await), None);
}

#[tokio::test(start_paused = true)]
async fn shadow_records_and_admits() {
    let breaker = Breaker::new("test", config().mode(Mode::Shadow));
    let (service, probe) = behind(&breaker);
    probe.script(failure());
    for _ in 0..3 {
        call(&service).await.unwrap_err();
    }
    assert_eq!(breaker.state(), CircuitState::Open);
    probe.script(success());
    for _ in 0..10 {
        call(&service).await.unwrap();
    }
    assert_eq!(probe.calls(), 13);
    // The calls that it would have rejected are not recorded: it recovers by probes, as it does when it enforces.
    assert_eq!(breaker.state(), CircuitState::Open);
    crate::support::pass(crate::support::OPEN_FOR).await;
    for _ in 0..2 {
        call(&service).await.unwrap();
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn enforcement_for_a_share_rejects_that_share() {
    let mode = Mode::EnforceFor(Ratio::percent(30));
    let breaker = Breaker::new("test", config().mode(mode));
    let (service, probe) = behind(&breaker);
    breaker.trip();
    let mut rejected = 0;
    for _ in 0..2_000 {
        let result = call(&service).await;
        if result.is_err() {
            assert_eq!(reason(&result), Some(Reason::CircuitOpen));
            rejected += 1;
        }
    }
    assert_eq!(probe.calls() + rejected, 2_000);
    // Ten standard deviations to either side of 600.
    assert!((395..=805).contains(&rejected), "{rejected} rejected");
}

#[tokio::test(start_paused = true)]
async fn a_mode_can_be_changed_while_the_circuit_is_open() {
    let breaker = Breaker::new("test", config());
    let (service, _) = behind(&breaker);
    breaker.trip();
    for (mode, expected) in [
        (Mode::Shadow, None),
        (Mode::Enforce, Some(Reason::CircuitOpen)),
        (Mode::Off, None),
        (Mode::Enforce, Some(Reason::CircuitOpen)),
    ] {
        breaker.reconfigure(config().mode(mode)).unwrap();
        assert_eq!(reason(&call(&service).await), expected, "{mode:?}");
    }
}

/// Law 8: which calls a rejection is enforced for depends on the request, and not on chance.
#[tokio::test(start_paused = true)]
async fn enforcement_for_a_share_is_the_same_for_one_request_everywhere() {
    let binds = |request_id: usize| {
        let mode = Mode::EnforceFor(Ratio::HALF);
        let breaker = Breaker::new("test", config().mode(mode));
        let (inner, _probe) = ReadyProbe::new();
        let service = BreakerLayer::client(&breaker).layer(inner);
        breaker.trip();
        let request = Request::builder().header("x-request-id", request_id);
        let request = request.body(TestBody::empty()).expect("valid");
        async move { service.oneshot(request).await.is_err() }
    };
    let mut bound = 0;
    for request_id in 0..100 {
        let first = binds(request_id).await;
        bound += u32::from(first);
        for _ in 0..5 {
            assert_eq!(binds(request_id).await, first, "{request_id}");
        }
    }
    assert!((30..70).contains(&bound), "{bound} of 100");
}
