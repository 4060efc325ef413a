//! Fuzzing of layers with a limit on calls in flight.

use std::time::Duration;

use buttress::prelude::*;
use buttress_testkit::{Conformance, FuzzReport, LayerUnderTest, Readiness};

use super::{MODES, conforms, was_checked};

const LIMIT: u32 = 3;
const MAX_WAIT: Duration = Duration::from_secs(1);

#[test]
fn a_bulkhead_that_rejects_conforms() {
    let shaken = in_every_mode(|mode| bulkhead(mode, BulkheadConfig::default(), REJECT));
    was_checked(&shaken, &["A3", "A6", "A7"]);
}

#[test]
fn a_bulkhead_with_a_queue_conforms() {
    for order in [Order::Fifo, Order::Lifo] {
        let queue = BulkheadConfig::default().queue(100).max_wait(None);
        let shaken = in_every_mode(|mode| bulkhead(mode, queue.clone().order(order), REJECT));
        was_checked(&shaken, &EVERYTHING);
    }
}

#[test]
fn a_bulkhead_with_a_longest_wait_conforms() {
    let queue = BulkheadConfig::default().queue(100).max_wait(MAX_WAIT);
    let shaken = in_every_mode(|mode| bulkhead(mode, queue.clone(), REJECT));
    was_checked(&shaken, &EVERYTHING);
}

#[test]
fn a_bulkhead_that_waits_in_readiness_conforms() {
    let shaken = in_every_mode(|mode| {
        let suite = bulkhead(mode, BulkheadConfig::default(), WhenSaturated::Unready);
        suite.readiness(Readiness::Reserve { idle_release: None })
    });
    was_checked(&shaken, &EVERYTHING);
}

#[test]
fn a_shedder_that_rejects_conforms() {
    let shaken = in_every_mode(|mode| shedder(mode, ShedConfig::default().queue(0)));
    was_checked(&shaken, &["A3", "A6", "A7"]);
}

#[test]
fn a_shedder_with_a_queue_conforms() {
    let queue = ShedConfig::default().queue(100).max_wait(None);
    let shaken = in_every_mode(|mode| shedder(mode, queue.clone()));
    was_checked(&shaken, &EVERYTHING);
}

#[test]
fn a_shedder_with_a_longest_wait_conforms() {
    let queue = ShedConfig::default().queue(100).max_wait(MAX_WAIT);
    let shaken = in_every_mode(|mode| shedder(mode, queue.clone()));
    was_checked(&shaken, &EVERYTHING);
}

/// Without a declared capacity, because the limit is adaptive.
#[test]
fn an_adaptive_shedder_conforms() {
    for mode in MODES {
        let suite = Conformance::new(format!("adaptive, {mode:?}"), move || {
            let shedder = Shedder::new("shaken", ShedConfig::default().mode(mode));
            let specimen = LayerUnderTest::new(ShedLayer::server(&shedder));
            specimen.state(move || (shedder.snapshot().in_flight, shedder.snapshot().queued))
        });
        was_checked(
            &conforms(suite),
            &["R8", "A1", "A3", "A4", "A5", "A8", "X2"],
        );
    }
}

const REJECT: WhenSaturated = WhenSaturated::Reject;

/// All checks that apply to any layer.
const EVERYTHING: [&str; 12] = [
    "R1", "R8", "A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "A9", "X2",
];

/// Fuzzes it in each mode. Returns the report of the last mode, `Enforce`.
#[track_caller]
fn in_every_mode(suite: impl Fn(Mode) -> Conformance) -> FuzzReport {
    let [off, shadow, enforce] = MODES.map(|mode| conforms(suite(mode)));
    drop((off, shadow));
    enforce
}

fn bulkhead(mode: Mode, config: BulkheadConfig, when: WhenSaturated) -> Conformance {
    let config = config.limit(LIMIT).mode(mode);
    limited(mode, move || {
        let bulkhead = Bulkhead::new("shaken", config.clone());
        let layer = BulkheadLayer::server(&bulkhead).when_saturated(when);
        let (resized, config) = (bulkhead.clone(), config.clone());
        LayerUnderTest::new(layer)
            .state(move || {
                let snapshot = bulkhead.snapshot();
                (snapshot.limit, snapshot.in_flight, snapshot.queued)
            })
            .resize(move |limit| {
                let limit = u32::try_from(limit).unwrap();
                resized.reconfigure(config.clone().limit(limit)).unwrap();
            })
    })
}

fn shedder(mode: Mode, config: ShedConfig) -> Conformance {
    // The margin of deadlines is fixed, because the injected faults would change a measured one.
    let config = config.limit(LIMIT).margin(Duration::ZERO).mode(mode);
    limited(mode, move || {
        let shedder = Shedder::new("shaken", config.clone());
        let (resized, config) = (shedder.clone(), config.clone());
        // By default its calls end with their heads, and bodies do not count.
        let layer = ShedLayer::server(&shedder).until(Until::BodyEnd);
        LayerUnderTest::new(layer)
            .state(move || {
                let snapshot = shedder.snapshot();
                (snapshot.limit.limit, snapshot.in_flight, snapshot.queued)
            })
            .resize(move |limit| {
                let limit = u32::try_from(limit).unwrap();
                resized.reconfigure(config.clone().limit(limit)).unwrap();
            })
    })
}

/// Only `Enforce` keeps to the limit.
fn limited(mode: Mode, make: impl Fn() -> LayerUnderTest + 'static) -> Conformance {
    let suite = Conformance::new(format!("{mode:?}"), make).holds_body();
    if mode == Mode::Enforce {
        suite.capacity(LIMIT as usize)
    } else {
        suite
    }
}
