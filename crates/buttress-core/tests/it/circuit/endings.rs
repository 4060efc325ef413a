//! Calls that are dropped, and timeouts that are too short to blame the service.

use std::time::Duration;

use buttress_core::circuit::{BreakerConfig, Circuit, OpenDuration, Permit};
use buttress_core::{Deadline, Ending, FailureKind, Outcome, Report};

use crate::circuit::epoch;

const MS: Duration = Duration::from_millis(1);
const NANO: Duration = Duration::from_nanos(1);
const TIMEOUT: Option<Outcome> = Some(Outcome::Failure(FailureKind::Timeout));

fn circuit(attempt_timeout: Option<Duration>) -> Circuit {
    let config = BreakerConfig::default().attempt_timeout(attempt_timeout);
    Circuit::new(config, epoch()).expect("valid")
}

fn admitted(circuit: &Circuit) -> Permit {
    circuit.admit(epoch(), || 0).verdict.expect("admitted")
}

/// The outcome of a call that is dropped after this time.
fn dropped(circuit: &Circuit, ending: Ending, after: Duration) -> Option<Outcome> {
    let permit = admitted(circuit);
    let settlement = circuit.cancel(permit, ending, epoch() + after, || 0);
    assert!(!settlement.freed && !settlement.slow && !settlement.stale);
    settlement.outcome
}

#[test]
fn a_deadline_blames_the_service_once_it_left_as_long_as_calls_take() {
    let circuit = circuit(None);
    // The threshold before any latency is known.
    let unknown = 100 * MS;
    assert_eq!(dropped(&circuit, Ending::Expired, unknown - NANO), None);
    assert_eq!(dropped(&circuit, Ending::Expired, unknown), TIMEOUT);

    let success = admitted(&circuit);
    circuit.settle(success, Report::SUCCESS, epoch() + 10 * MS, || 0);
    assert_eq!(dropped(&circuit, Ending::Expired, 10 * MS - NANO), None);
    assert_eq!(dropped(&circuit, Ending::Expired, 10 * MS), TIMEOUT);
    for ending in [Ending::Abandoned, Ending::Refused] {
        assert_eq!(dropped(&circuit, ending, 1_000 * MS), None, "{ending:?}");
    }
    let counts = circuit.snapshot(epoch() + 10 * MS).counts;
    assert_eq!((counts.calls, counts.failures), (3, 2));
}

#[test]
fn a_configured_timeout_is_the_threshold_for_any_drop() {
    let circuit = circuit(Some(50 * MS));
    for ending in [Ending::Abandoned, Ending::Refused, Ending::Expired] {
        assert_eq!(dropped(&circuit, ending, 50 * MS - NANO), None);
        assert_eq!(dropped(&circuit, ending, 50 * MS), TIMEOUT, "{ending:?}");
    }
}

#[test]
fn a_drop_after_the_head_is_not_counted() {
    for told in [None, Some(50 * MS)] {
        let circuit = circuit(told);
        let mut permit = admitted(&circuit);
        circuit.answered(&mut permit, epoch());
        let late = epoch() + 1_000 * MS;
        let settlement = circuit.cancel(permit, Ending::Expired, late, || 0);
        assert_eq!(settlement.outcome, None);
        assert_eq!(circuit.snapshot(late).counts.calls, 0);
    }
}

#[test]
fn only_a_deadline_of_less_than_calls_take_cuts_short() {
    for (told, patience) in [(None, 100 * MS), (Some(50 * MS), 50 * MS)] {
        let circuit = circuit(told);
        let permit = admitted(&circuit);
        let cut_short =
            |left| circuit.was_cut_short(&permit, Deadline::after(epoch(), left), None, epoch());
        assert!(cut_short(patience - NANO));
        assert!(!cut_short(patience));
        assert!(!circuit.was_cut_short(&permit, None, None, epoch()));
    }
}

#[test]
fn a_dropped_probe_gives_its_slot_back_and_is_not_heard() {
    let config = BreakerConfig::default()
        .open_for(OpenDuration::Fixed(MS))
        .probes(1);
    let circuit = Circuit::new(config, epoch()).expect("valid");
    circuit.trip(epoch(), || 0);
    let now = epoch() + MS;
    for _ in 0..3 {
        let probe = circuit.admit(now, || 0).verdict.expect("a free slot");
        let settlement = circuit.cancel(probe, Ending::Expired, now, || 0);
        assert!(settlement.freed);
        assert_eq!(settlement.outcome, None);
    }
}

#[test]
fn a_lease_is_renewed_only_until_the_moment_it_ends() {
    let config = BreakerConfig::default()
        .open_for(OpenDuration::Fixed(MS))
        .probes(1)
        .probe_timeout(10 * MS);
    for (after, good) in [(11 * MS - NANO, true), (11 * MS, false)] {
        let circuit = Circuit::new(config.clone(), epoch()).expect("valid");
        circuit.trip(epoch(), || 0);
        let mut probe = circuit.admit(epoch() + MS, || 0).verdict.expect("a slot");
        assert_eq!(circuit.renew(&mut probe, epoch() + after), good);
    }
}
