//! What shaking finds: each of these layers breaks under some seed, by the name of what it does wrong.

use buttress_testkit::{Conformance, shake};
use tower::layer::util::Identity;

use crate::faults::{Case, breaker, limits, shells, unready};

const SEEDS: std::ops::Range<u64> = 0..60;

fn cases() -> impl Iterator<Item = &'static Case> {
    let faults = limits::FAULTS.iter().chain(shells::FAULTS);
    let others = breaker::CASES.iter().chain(unready::CASES);
    limits::SOUND.iter().chain(faults).chain(others)
}

#[test]
fn a_layer_that_does_nothing_passes() {
    shake(Identity::new, SEEDS).assert();
}

#[test]
fn sound_layers_stand() {
    let sound = cases().filter(|case| case.fails.is_empty());
    sound.for_each(|case| (case.suite)(case.what).shake(SEEDS).assert());
}

#[test]
fn faults_are_found_by_the_name_of_what_they_do_wrong() {
    for (what, broken) in FOUND {
        let case = cases().find(|case| case.what == *what).unwrap();
        let shaken = (case.suite)(case.what).shake(SEEDS);
        assert_eq!(shaken.broken(), *broken, "\n{shaken}");
    }
}

#[test]
fn a_finding_repeats_with_its_seed() {
    let suite = || {
        let mut cases = cases();
        let case = cases.find(|case| case.what == FOUND[0].0).unwrap();
        (case.suite)(case.what)
    };
    let first = suite().shake(SEEDS).failures()[0].clone();
    assert_eq!(suite().shake([first.seed]).failures(), [first]);
}

#[test]
fn an_exception_is_none() {
    let case = cases().find(|case| case.what == "drops trailers").unwrap();
    let excused = (case.suite)(case.what).except("A8", "it has none");
    excused.shake(SEEDS).assert();
}

/// Rng of its own make no two histories alike.
#[test]
fn a_layer_that_rolls_dice_is_not_the_same_twice() {
    use std::sync::atomic::{AtomicBool, Ordering};
    static ODD: AtomicBool = AtomicBool::new(false);
    let shaken = Conformance::new("fickle", || {
        let refuses = ODD.fetch_xor(true, Ordering::Relaxed);
        crate::faults::limit::limit(
            crate::faults::queue::Queue::new(if refuses { 1 } else { 3 }, None),
            crate::faults::limit::Manner::default(),
        )
    })
    .shake(SEEDS);
    assert_eq!(shaken.broken(), ["X2"], "\n{shaken}");
}

const FOUND: &[(&str, &[&str])] = &[
    ("lets one more in than it says", &["A3", "A6"]),
    // Where it is hidden by an inner service that is not ready, it is seen later, by another name.
    ("forgets to pass on what a leaver was given", &["A2", "R8"]),
    ("frees twice what a leaver was given", &["A6"]),
    ("grows without telling", &["A7"]),
    ("keeps waiters in line that left", &["A9"]),
    ("remembers the first task only", &["A2", "A7", "R8"]),
    ("reorders the line when one leaves", &["A2"]),
    (
        "leaks the place of a dropped call",
        &["A1", "A2", "A7", "R8"],
    ),
    ("holds the body, and does not say so", &["A2", "R8"]),
    ("says it holds the body, and does not", &["A6"]),
    ("calls a fresh clone", &["R1"]),
    ("locks over the inner call, and unwraps the lock", &["A4"]),
    ("turns failures into successes", &["A5"]),
    ("spawns a task with each call", &["A9"]),
    ("drops trailers", &["A8"]),
];
