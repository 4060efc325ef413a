//! Fuzzing of injectors, with faults of the fuzzer.

use std::time::Duration;

use buttress::chaos::{Answer, Bounds, Latency, SteadyStateConfig};
use buttress::prelude::*;
use buttress_testkit::{Conformance, LayerUnderTest};

use super::{conforms, was_checked};

fn injector() -> Injector {
    Injector::new("shaken", InjectorConfig::default().kill_variable(None))
}

#[test]
fn a_disarmed_injector_conforms() {
    let _ = conforms(Conformance::new(
        "disarmed",
        || ChaosLayer::new(&injector()),
    ));
    let _ = conforms(Conformance::new("disarmed, http", || {
        ChaosLayer::client(&injector())
    }));
}

#[test]
fn an_armed_injector_conforms_during_and_after_its_plan() {
    for http in [false, true] {
        let suite = Conformance::new("armed", move || {
            let injector = injector();
            injector.arm(plan()).unwrap();
            specimen(&injector, http)
        });
        let shaken = conforms(suite.recovers_within(TTL));
        was_checked(&shaken, &["R1", "R8", "A1", "A3", "A4", "A5", "A8", "X2"]);
    }
}

/// When enough calls have failed, it disarms itself during a call.
#[test]
fn an_injector_with_a_guard_conforms() {
    for http in [false, true] {
        let suite = Conformance::new("guarded", move || {
            let injector = injector();
            let guard = SteadyStateConfig::default().failure_ratio(Ratio::HALF);
            injector.arm(plan().guard(guard)).unwrap();
            specimen(&injector, http)
        });
        let _ = conforms(suite.recovers_within(TTL));
    }
}

fn specimen(injector: &Injector, http: bool) -> LayerUnderTest {
    let specimen = if http {
        LayerUnderTest::new(ChaosLayer::client(injector))
    } else {
        LayerUnderTest::new(ChaosLayer::new(injector))
    };
    let injector = injector.clone();
    specimen.state(move || injector.snapshot().active)
}

/// Faults that do not break the contract of a layer: no bodies that end too early, and no panics.
pub(super) fn plan() -> Plan {
    let third = |name, fault| PlannedFault::new(name, fault).rate(Ratio::percent(30));
    let slow = Latency::Uniform {
        least: Duration::ZERO,
        most: Duration::from_secs(2),
    };
    Plan::new(7)
        .fault(third("slow", Fault::Delay(slow)))
        .fault(third("hang", Fault::Answer(Answer::Hang)))
        .bounds(
            Bounds::default()
                .max_active(5)
                .blast_radius(Ratio::HALF)
                .ttl(TTL),
        )
}

/// A part of each history is before the end of the plan, and a part after it.
pub(super) const TTL: Duration = Duration::from_secs(15);
