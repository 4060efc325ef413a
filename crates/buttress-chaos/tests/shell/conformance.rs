use buttress_chaos::{Answer, ChaosLayer, Fault, Injector, Latency, Plan, PlannedFault, Ratio};
use buttress_testkit::{Conformance, LayerUnderTest};

use crate::support::quiet;

fn conformance(name: &'static str, make: impl Fn(&Injector) -> LayerUnderTest + 'static) {
    let report = Conformance::new(name, move || {
        let injector = Injector::new("conformance", quiet());
        let specimen = make(&injector);
        specimen.state(move || injector.snapshot().active)
    })
    .run();
    assert!(report.failed().is_empty(), "{report}");
}

#[test]
fn a_disarmed_injector_conforms() {
    conformance("chaos, disarmed", |injector| {
        LayerUnderTest::new(ChaosLayer::new(injector))
    });
    conformance("chaos over http, disarmed", |injector| {
        LayerUnderTest::new(ChaosLayer::client(injector))
    });
}

#[test]
fn an_armed_injector_that_affects_no_call_conforms() {
    conformance("chaos over http, armed", |injector| {
        let never = PlannedFault::new("never", Fault::Answer(Answer::Error)).rate(Ratio::ZERO);
        injector.arm(Plan::new(1).fault(never)).unwrap();
        LayerUnderTest::new(ChaosLayer::client(injector))
    });
}

/// The part of the layer's contract that holds when every call is affected, with faults that callers can recover
/// from.
#[test]
fn an_armed_injector_that_affects_every_call_conforms() {
    conformance("chaos over http, late by nothing", |injector| {
        let late = Fault::Delay(Latency::Fixed(std::time::Duration::ZERO));
        injector
            .arm(Plan::new(1).fault(PlannedFault::new("late", late)))
            .unwrap();
        LayerUnderTest::new(ChaosLayer::client(injector))
    });
}
