//! The fast paths without a lock, which must give the same result as with it.

use std::time::Duration;

use buttress_core::circuit::{BreakerConfig, Circuit, OpenDuration, Permit};
use buttress_core::window::Window;
use buttress_core::{FailureKind, Mode, Outcome, Ratio, Reason, Report};

use crate::circuit::epoch;

const SECOND: Duration = Duration::from_secs(1);
const NANO: Duration = Duration::from_nanos(1);

fn config() -> BreakerConfig {
    BreakerConfig::default()
        .window(Window::Time(16 * SECOND))
        .open_for(OpenDuration::Fixed(5 * SECOND))
}

fn circuit(config: BreakerConfig) -> Circuit {
    Circuit::new(config, epoch()).expect("valid")
}

fn admitted(circuit: &Circuit, after: Duration) -> Permit {
    let admission = circuit.admit(epoch() + after, || 0);
    admission.verdict.expect("admitted")
}

/// Whether a call is admitted, and whether it is rejected, without the lock.
fn at_once(circuit: &Circuit, after: Duration) -> (bool, bool) {
    let now = epoch() + after;
    (
        circuit.admit_at_once(now).is_some(),
        circuit.refuse_at_once(now).is_some(),
    )
}

#[test]
fn a_closed_circuit_admits_and_an_open_one_rejects_at_once() {
    let circuit = circuit(config());
    assert_eq!(at_once(&circuit, Duration::ZERO), (true, false));
    circuit.trip(epoch(), || 0);
    assert_eq!(at_once(&circuit, SECOND), (false, true));
    let refusal = circuit.refuse_at_once(epoch() + SECOND).expect("open");
    assert_eq!(refusal.reason, Reason::CircuitOpen);
    assert_eq!(refusal.retry_after, Some(4 * SECOND));
    assert_eq!(at_once(&circuit, 5 * SECOND - NANO), (false, true));
}

#[test]
fn what_takes_a_step_or_a_flag_is_not_decided_at_once() {
    let circuit = circuit(config().ramp(SECOND, Ratio::HALF).probes(1));
    circuit.isolate();
    assert_eq!(at_once(&circuit, Duration::ZERO), (false, false));
    circuit.release();
    circuit.trip(epoch(), || 0);
    circuit.isolate();
    assert_eq!(at_once(&circuit, SECOND), (false, false));
    circuit.release();
    assert_eq!(at_once(&circuit, 5 * SECOND), (false, false));
    let probe = admitted(&circuit, 5 * SECOND);
    assert_eq!(at_once(&circuit, 5 * SECOND), (false, false));
    circuit.settle(probe, Report::SUCCESS, epoch() + 5 * SECOND, || 0);
    assert_eq!(at_once(&circuit, 5 * SECOND), (false, false));
}

#[test]
fn a_mode_that_may_admit_calls_is_read() {
    for (mode, closed) in [
        (Mode::Shadow, true),
        (Mode::EnforceFor(Ratio::HALF), true),
        (Mode::Off, false),
    ] {
        let circuit = circuit(config().mode(mode));
        assert_eq!(at_once(&circuit, Duration::ZERO), (closed, false));
        circuit.trip(epoch(), || 0);
        assert_eq!(at_once(&circuit, SECOND), (false, false), "{mode:?}");
    }
}

#[test]
fn a_success_counts_at_once_in_a_tick_that_is_known() {
    let circuit = circuit(config());
    // The middle of a bucket of one second.
    let now = SECOND / 2;
    let at = |after: Duration| epoch() + after;
    let counted = || circuit.snapshot(at(now)).counts.calls;

    let first = admitted(&circuit, now);
    assert!(!circuit.settle_in_time(&first, Outcome::Success, at(now)));
    assert_eq!(counted(), 0);
    circuit.settle(first, Report::SUCCESS, at(now), || 0);
    assert_eq!(counted(), 1);

    let second = admitted(&circuit, now);
    assert!(circuit.settle_in_time(&second, Outcome::Success, at(now)));
    assert_eq!(counted(), 2);

    let failed = admitted(&circuit, now);
    let failure = Outcome::Failure(FailureKind::Error);
    assert!(!circuit.settle_in_time(&failed, failure, at(now)));
    let late = admitted(&circuit, now);
    assert!(!circuit.settle_in_time(&late, Outcome::Success, at(SECOND)));
    assert_eq!(counted(), 2);
}

#[test]
fn a_success_at_once_ends_a_row_of_failures() {
    let circuit = circuit(config());
    let now = epoch() + SECOND / 2;
    let settle = |report| circuit.settle(admitted(&circuit, SECOND / 2), report, now, || 0);
    settle(Report::SUCCESS);
    settle(Report::failure(FailureKind::Error));
    assert_eq!(circuit.snapshot(now).consecutive_failures, 1);
    let success = admitted(&circuit, SECOND / 2);
    assert!(circuit.settle_in_time(&success, Outcome::Success, now));
    assert_eq!(circuit.snapshot(now).consecutive_failures, 0);
}

#[test]
fn nothing_of_an_earlier_epoch_or_configuration_counts_at_once() {
    let circuit = circuit(config());
    let now = epoch() + SECOND / 2;
    let settled = || circuit.settle(admitted(&circuit, SECOND / 2), Report::SUCCESS, now, || 0);
    settled();
    let before = admitted(&circuit, SECOND / 2);
    circuit.reset(now);
    assert!(!circuit.settle_in_time(&before, Outcome::Success, now));

    settled();
    let before = admitted(&circuit, SECOND / 2);
    circuit.reconfigure(config(), now).expect("valid");
    assert!(!circuit.settle_in_time(&before, Outcome::Success, now));
    assert_eq!(circuit.snapshot(now).counts.calls, 1);
}
