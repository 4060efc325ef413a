//! The suite finds faults: each broken layer here fails just the invariants that its fault is
//! about, the sound ones fail none, and there is no invariant that no fault can fail.

mod breaker;
mod gate;
mod held;
mod idle;
mod limit;
mod limits;
mod queue;
mod shaken;
mod shells;
mod towers;
mod unready;

use std::collections::BTreeSet;

use buttress_testkit::Conformance;
use tower::layer::util::Identity;

/// A layer and the invariants it must fail, no more and no less.
struct Case {
    what: &'static str,
    suite: fn(&'static str) -> Conformance,
    fails: &'static [&'static str],
}

impl Case {
    #[track_caller]
    fn check(&self) {
        let report = (self.suite)(self.what).run();
        assert_eq!(report.failed(), self.fails, "\n{report}");
    }
}

#[test]
fn a_layer_that_does_nothing_fails_nothing() {
    Conformance::new("identity", Identity::new).run().assert();
}

#[test]
fn sound_limits_fail_nothing() {
    limits::SOUND.iter().for_each(Case::check);
}

#[test]
fn each_fault_of_a_limit_fails_its_invariants() {
    limits::FAULTS.iter().for_each(Case::check);
}

#[test]
fn each_fault_of_a_shell_fails_its_invariants() {
    shells::FAULTS.iter().for_each(Case::check);
}

#[test]
fn each_fault_of_a_breaker_fails_its_invariants() {
    breaker::CASES.iter().for_each(Case::check);
}

#[test]
fn each_fault_of_a_wait_for_readiness_fails_its_invariants() {
    unready::CASES.iter().for_each(Case::check);
}

#[test]
fn each_fault_of_tower_fails_its_invariants() {
    towers::FAULTS.iter().for_each(Case::check);
}

#[test]
fn every_invariant_is_failed_by_some_fault() {
    let report = Conformance::new("identity", Identity::new).run();
    let all: BTreeSet<_> = report.lines().iter().map(|line| line.invariant).collect();
    let cases = limits::FAULTS
        .iter()
        .chain(shells::FAULTS)
        .chain(breaker::CASES)
        .chain(unready::CASES);
    let failed: BTreeSet<_> = cases.flat_map(|case| case.fails.iter().copied()).collect();
    assert_eq!(all, failed);
}
