//! Fuzzing of breakers.

use buttress::prelude::*;
use buttress_testkit::{Conformance, LayerUnderTest, shake};
use tower::ServiceBuilder;

use super::{MODES, OPEN_FOR, breaker, conforms, seeds, was_checked};

#[test]
fn a_problem_layer_conforms() {
    let shaken = shake(ProblemLayer::default, seeds());
    shaken.assert();
    was_checked(&shaken, &["R1", "R8", "A1", "A3", "A4", "A5", "A8", "X2"]);
}

#[test]
fn a_breaker_conforms() {
    in_every_mode(|breaker| LayerUnderTest::new(BreakerLayer::new(breaker)));
    in_every_mode(|breaker| LayerUnderTest::new(BreakerLayer::client(breaker)));
}

#[test]
fn a_breaker_that_waits_conforms() {
    in_every_mode(|breaker| {
        let waits = BreakerLayer::client(breaker).when_saturated(WhenSaturated::Unready);
        LayerUnderTest::new(waits)
    });
}

#[test]
fn a_problem_layer_over_a_breaker_conforms() {
    in_every_mode(|breaker| {
        let stack = ServiceBuilder::new()
            .layer(ProblemLayer::default())
            .layer(BreakerLayer::client(breaker));
        LayerUnderTest::new(stack.into_inner())
    });
}

fn in_every_mode(layer: fn(&Breaker) -> LayerUnderTest) {
    for mode in MODES {
        let suite = Conformance::new(format!("breaker, {mode:?}"), move || {
            let breaker = Breaker::new("shaken", breaker(mode));
            layer(&breaker).state(move || breaker.snapshot().probes_under_way)
        });
        let shaken = conforms(suite.recovers_within(2 * OPEN_FOR));
        was_checked(&shaken, &["R1", "R8", "A1", "A3", "A4", "A5", "A8", "X2"]);
    }
}
