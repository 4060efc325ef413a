use std::time::Duration;

use buttress_breaker::{
    Breaker, BreakerConfig, BreakerLayer, CircuitState, OpenDuration, WhenSaturated,
};
use buttress_core::{Mode, Ratio};
use buttress_testkit::{Conformance, LayerUnderTest, Sharing};

use crate::support::OPEN_FOR;

/// In each mode, a breaker fulfils the contract of a layer. In `Enforce` it is also opened, and recovers.
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
            LayerUnderTest::new(BreakerLayer::client(breaker).when_saturated(WhenSaturated::Reject))
        };
        conformance(mode, layer).holds_body()
    });
}

#[test]
fn an_http_breaker_that_waits_conforms_in_every_mode() {
    in_every_mode("http, unready", |mode| {
        let layer = |breaker: &Breaker| {
            LayerUnderTest::new(
                BreakerLayer::client(breaker).when_saturated(WhenSaturated::Unready),
            )
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
    // In a mode that rejects only some calls or none, the suite cannot open it.
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

/// Nothing that the suite does inside opens it: it is opened by hand. It stays half-open for longer than the suite
/// runs, because at the end of that state it may reject.
fn config(mode: Mode) -> BreakerConfig {
    BreakerConfig::default()
        .failure_ratio(None)
        .consecutive_failures(None)
        .open_for(OpenDuration::Fixed(OPEN_FOR))
        .probe_timeout(OPEN_FOR)
        .half_open_timeout(Duration::from_secs(24 * 60 * 60))
        .mode(mode)
}
