//! The label values of the metrics.

use buttress_core::circuit::{Cause, CircuitState};

#[test]
fn each_state_has_its_word() {
    let words = CircuitState::ALL.map(CircuitState::as_str);
    assert_eq!(
        words,
        ["closed", "half_open", "isolated", "open", "recovering"]
    );
    assert_eq!(CircuitState::HalfOpen.to_string(), "half_open");
}

#[test]
fn each_cause_has_its_word() {
    for (cause, word) in [
        (Cause::ConsecutiveFailures, "consecutive_failures"),
        (Cause::FailureRatio, "failure_ratio"),
        (Cause::Isolation, "isolation"),
        (Cause::OpenElapsed, "open_elapsed"),
        (Cause::ProbesFailed, "probes_failed"),
        (Cause::ProbesPassed, "probes_passed"),
        (Cause::RampDone, "ramp_done"),
        (Cause::Reset, "reset"),
        (Cause::SlowCallRatio, "slow_call_ratio"),
        (Cause::StayElapsed, "stay_elapsed"),
        (Cause::Trip, "trip"),
    ] {
        assert_eq!(cause.as_str(), word);
    }
}
