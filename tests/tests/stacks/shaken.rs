//! Our own layers and stacks under random faults and random callers.

use std::time::Duration;

use buttress::prelude::*;
use buttress_testkit::{Conformance, Specimen, shake};
use tower::ServiceBuilder;

const SEEDS: std::ops::Range<u64> = 0..60;

/// How long the circuits of these tests stay open.
const OPEN_FOR: Duration = Duration::from_secs(1);

#[test]
fn a_problem_layer_stands() {
    shake(ProblemLayer::new, SEEDS).assert();
}

#[test]
fn a_disarmed_injector_stands() {
    let injector = || Injector::new("test", InjectorConfig::default());
    shake(move || ChaosLayer::new(&injector()), SEEDS).assert();
    shake(move || ChaosLayer::http(&injector()), SEEDS).assert();
}

#[test]
fn a_breaker_stands_in_every_mode() {
    in_every_mode(|breaker| Specimen::new(BreakerLayer::new(breaker)));
    in_every_mode(|breaker| Specimen::new(BreakerLayer::http(breaker)));
}

#[test]
fn a_breaker_that_waits_stands_in_every_mode() {
    in_every_mode(|breaker| {
        let waits = BreakerLayer::http(breaker).when_saturated(WhenSaturated::Unready);
        Specimen::new(waits)
    });
}

#[test]
fn a_problem_layer_over_a_breaker_stands_in_every_mode() {
    in_every_mode(|breaker| {
        let stack = ServiceBuilder::new()
            .layer(ProblemLayer::new())
            .layer(BreakerLayer::http(breaker));
        Specimen::new(stack.into_inner())
    });
}

fn in_every_mode(layer: fn(&Breaker) -> Specimen) {
    for mode in [Mode::Off, Mode::Shadow, Mode::Enforce] {
        let suite = Conformance::new(format!("{mode:?}"), move || {
            let breaker = Breaker::new("shaken", config(mode));
            layer(&breaker).state(move || breaker.snapshot().probes_under_way)
        });
        suite.recovers_within(2 * OPEN_FOR).shake(SEEDS).assert();
    }
}

/// Trips often, and rolls no dice.
fn config(mode: Mode) -> BreakerConfig {
    BreakerConfig::default()
        .consecutive_failures(3)
        .open_for(OpenTime::Fixed(OPEN_FOR))
        .probe_lease(OPEN_FOR)
        .no_ramp()
        .mode(mode)
}
