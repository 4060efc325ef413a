use std::time::Duration;

use buttress_breaker::{
    Breaker, BreakerConfig, BreakerLayer, CircuitState, OpenDuration, WhenSaturated,
};
use buttress_core::{Mode, Ratio};
use buttress_testkit::{Conformance, LayerUnderTest, Sharing};

use crate::support::OPEN_FOR;

/// Whatever its mode, a breaker keeps the contract of a layer. One that enforces is also tripped, and recovers.
#[test]
fn a_plain_breaker_that_rejects_conforms_in_every_mode() {
    in_every_mode("plain, reject", |mode| {
        conformance(mode, |breaker| {
            LayerUnderTest::new(BreakerLayer::new(breaker).when_saturated(WhenSaturated::Reject))
        })
    });
}

#[test]
fn a_plain_breaker_that_waits_conforms_in_every_mode() {
    in_every_mode("plain, unready", |mode| {
        conformance(mode, |breaker| {
            LayerUnderTest::new(BreakerLayer::new(breaker).when_saturated(WhenSaturated::Unready))
        })
    });
}

#[test]
fn an_http_breaker_that_rejects_conforms_in_every_mode() {
    in_every_mode("http, reject", |mode| {
        let layer = |breaker: &Breaker| {
            LayerUnderTest::new(BreakerLayer::http(breaker).when_saturated(WhenSaturated::Reject))
        };
        conformance(mode, layer).holds_body()
    });
}

#[test]
fn an_http_breaker_that_waits_conforms_in_every_mode() {
    in_every_mode("http, unready", |mode| {
        let layer = |breaker: &Breaker| {
            LayerUnderTest::new(BreakerLayer::http(breaker).when_saturated(WhenSaturated::Unready))
        };
        conformance(mode, layer).holds_body()
    });
}

fn in_every_mode(what: &str, suite: impl Fn(Mode) -> Conformance) {
    let half = Mode::EnforceFor(Ratio::HALF);
    for mode in [Mode::Off, Mode::Shadow, Mode::Enforce, half] {
        let report = suite(mode).run();
        assert!(report.failed().is_empty(), "{what}, {mode:?}\n{report}");
    }
}

fn conformance(mode: Mode, layer: fn(&Breaker) -> LayerUnderTest) -> Conformance {
    let config = config(mode);
    // What is rejected now and then, or never, is not for the suite to trip.
    let enforces = mode == Mode::Enforce;
    let suite = Conformance::new("breaker", move || {
        let breaker = Breaker::new("conformance", config.clone());
        let specimen = layer(&breaker).state({
            let breaker = breaker.clone();
            move || (breaker.state(), breaker.snapshot().probes_under_way)
        });
        if enforces {
            specimen.trip(move || breaker.trip())
        } else {
            assert_eq!(breaker.state(), CircuitState::Closed);
            specimen
        }
    });
    if enforces {
        suite.sharing(Sharing::Shared).recovers_within(OPEN_FOR)
    } else {
        suite
    }
}

/// Nothing the suite does inside trips it: it is tripped by hand. And it stays half-open for longer than the suite
/// looks, because at the end of the stay it is right to reject.
fn config(mode: Mode) -> BreakerConfig {
    BreakerConfig::default()
        .failure_ratio(None)
        .consecutive_failures(None)
        .open_for(OpenDuration::Fixed(OPEN_FOR))
        .probe_timeout(OPEN_FOR)
        .half_open_timeout(Duration::from_secs(24 * 60 * 60))
        .mode(mode)
}
