//! What a user sees.

use buttress_testkit::{Conformance, Sharing, Verdict};
use tower::layer::util::Identity;
use tower::limit::ConcurrencyLimitLayer;

fn tower() -> Conformance {
    Conformance::new("tower::limit", || ConcurrencyLimitLayer::new(4))
        .capacity(4)
        .sharing(Sharing::Separate)
}

#[test]
fn a_failure_says_what_was_expected_and_what_was_seen() {
    let report = tower().run();
    println!("{report}");
    let Some(Verdict::Failed { expected, seen }) = report.verdict("R5") else {
        panic!("tower keeps R5?\n{report}");
    };
    assert_eq!(
        expected,
        "a caller beside 4 idle ready clones is inside the inner service"
    );
    assert_eq!(seen, "it is waiting");
}

#[test]
fn the_table_has_a_line_for_each_invariant() {
    let report = tower().run();
    let table = report.to_string();
    assert!(table.starts_with("tower::limit: 23 held, 2 failed, 15 not applicable\n"));
    for line in report.lines() {
        assert!(table.contains(line.statement), "{}", line.invariant);
    }
    assert!(table.contains("  R5   FAILED  idle clones that were polled ready hold no slots\n"));
    assert!(table.contains("         seen      it is waiting\n"));
}

#[test]
#[should_panic(expected = "R5   FAILED")]
fn to_assert_a_failure_panics_with_the_report() {
    tower().run().assert();
}

#[test]
fn an_exception_is_reported_with_its_reason() {
    let report = tower()
        .except("R5", "it reserves")
        .except("R10", "it reserves")
        .run();
    report.assert();
    let reason = Verdict::NotApplicable("it reserves".to_owned());
    assert_eq!(report.verdict("R5"), Some(&reason));
}

#[test]
#[should_panic(expected = "no invariant R99")]
fn an_exception_from_nothing_is_rejected() {
    drop(Conformance::new("identity", Identity::new).except("R99", "misspelt"));
}

#[test]
fn a_suite_of_some_invariants_tests_no_others() {
    let report = tower().only(&["A10", "R13"]).run();
    let names = report.lines().iter().map(|line| line.invariant);
    assert_eq!(names.collect::<Vec<_>>(), ["R13", "A10"]);
}

#[test]
fn the_same_layer_gets_the_same_report_twice() {
    assert_eq!(tower().run().to_string(), tower().run().to_string());
}
