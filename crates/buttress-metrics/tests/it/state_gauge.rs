//! The state gauge is correct in any order of events.
use buttress_core::circuit::{Cause, CircuitState, Transition};
use buttress_metrics::{BreakerEvent, BreakerSignals};
use metrics::with_local_recorder;
use metrics_util::debugging::DebuggingRecorder;

use crate::common::{Recorded, step};

const OPENED: Transition = step(
    CircuitState::Closed,
    CircuitState::Open,
    Cause::ConsecutiveFailures,
);
const PROBED: Transition = step(
    CircuitState::Open,
    CircuitState::HalfOpen,
    Cause::OpenElapsed,
);
const CLOSED: Transition = step(
    CircuitState::HalfOpen,
    CircuitState::Closed,
    Cause::ProbesPassed,
);

#[test]
fn the_circuit_is_closed_before_the_first_transition() {
    assert_eq!(states_after(&[]), "a closed: 1");
}

#[test]
fn a_state_that_was_left_returns_to_zero() {
    assert_eq!(states_after(&[OPENED]), "a open: 1");
    assert_eq!(states_after(&[OPENED, PROBED]), "a half_open: 1");
    assert_eq!(states_after(&[OPENED, PROBED, CLOSED]), "a closed: 1");
}

#[test]
fn every_state_has_a_series() {
    let recorder = DebuggingRecorder::new();
    let _signals = with_local_recorder(&recorder, || BreakerSignals::new("a".into()));
    let recorded = Recorded::read(&recorder.snapshotter());
    for state in CircuitState::ALL {
        let value = f64::from(u8::from(state == CircuitState::Closed));
        assert_eq!(
            recorded.value("buttress_breaker_state", &["a", state.as_str()]),
            Some(value)
        );
    }
}

#[test]
fn transitions_may_arrive_in_any_order() {
    assert_eq!(states_after(&[CLOSED, PROBED, OPENED]), "a closed: 1");
    assert_eq!(states_after(&[PROBED, OPENED]), "a half_open: 1");
}

#[test]
fn concurrent_transitions_end_in_the_right_state() {
    let recorder = DebuggingRecorder::new();
    let signals = with_local_recorder(&recorder, || BreakerSignals::new("a".into()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..500 {
                    for step in [OPENED, PROBED, CLOSED] {
                        signals.emit(BreakerEvent::Transition(step));
                    }
                }
            });
        }
    });
    assert_eq!(states(&recorder), "a closed: 1");
}

#[test]
fn a_recorder_installed_late_gets_the_current_state() {
    let signals = BreakerSignals::new("a".into());
    signals.emit(BreakerEvent::Transition(OPENED));
    let recorder = DebuggingRecorder::new();
    with_local_recorder(&recorder, || signals.emit(BreakerEvent::Slow));
    assert_eq!(states(&recorder), "a open: 1");
}

#[test]
fn circuits_with_the_same_name_are_summed() {
    let recorder = DebuggingRecorder::new();
    let circuits = three_circuits(&recorder);
    circuits[1].emit(BreakerEvent::Transition(OPENED));
    assert_eq!(states(&recorder), "a closed: 2, a open: 1");
}

#[test]
fn a_dropped_circuit_is_removed_from_the_gauge() {
    let recorder = DebuggingRecorder::new();
    let [kept, opened, closed] = three_circuits(&recorder);
    opened.emit(BreakerEvent::Transition(OPENED));
    drop((opened, closed));
    assert_eq!(states(&recorder), "a closed: 1");
    drop(kept);
}

fn three_circuits(recorder: &DebuggingRecorder) -> [BreakerSignals; 3] {
    with_local_recorder(recorder, || {
        ["x", "y", "z"].map(|key| BreakerSignals::new("a".into()).with_key(key.into()))
    })
}

fn states_after(steps: &[Transition]) -> String {
    let recorder = DebuggingRecorder::new();
    let signals = with_local_recorder(&recorder, || BreakerSignals::new("a".into()));
    for step in steps {
        signals.emit(BreakerEvent::Transition(*step));
    }
    states(&recorder)
}

/// The states whose gauge is not 0.
fn states(recorder: &DebuggingRecorder) -> String {
    let recorded = Recorded::read(&recorder.snapshotter());
    let states = recorded.nonzero("buttress_breaker_state");
    let states: Vec<_> = states.iter().map(|(s, n)| format!("{s}: {n}")).collect();
    states.join(", ")
}
