//! A probe without a result loses its slot to other calls.

use std::time::Duration;

use buttress_core::circuit::{
    BreakerConfig, Circuit, CircuitState, OpenDuration, Permit, Readiness,
};
use buttress_core::{Outcome, Report};

use crate::circuit::epoch;

const SECOND: Duration = Duration::from_secs(1);

/// A circuit that is half-open after one second, with one slot.
fn half_open() -> Circuit {
    let config = BreakerConfig::default()
        .open_for(OpenDuration::Fixed(SECOND))
        .probes(1)
        .probe_timeout(5 * SECOND)
        .half_open_timeout(60 * SECOND);
    let circuit = Circuit::new(config, epoch()).expect("valid");
    circuit.trip(epoch(), || 0);
    circuit
}

fn probe(circuit: &Circuit, after: u32) -> Result<Permit, Option<Duration>> {
    let admission = circuit.admit(epoch() + after * SECOND, || 0);
    admission.verdict.map_err(|refusal| refusal.retry_after)
}

fn settle(circuit: &Circuit, permit: Permit, outcome: Outcome, after: u32) -> bool {
    let now = epoch() + after * SECOND;
    circuit
        .settle(permit, Report::new(outcome), now, || 0)
        .freed
}

#[test]
fn a_rejection_during_a_lease_has_the_end_of_the_lease() {
    let circuit = half_open();
    let _held = probe(&circuit, 1).expect("the first probe");
    assert_eq!(probe(&circuit, 3).unwrap_err(), Some(3 * SECOND));
    let readiness = circuit.reserve(epoch() + 4 * SECOND, || 0).readiness;
    assert_eq!(readiness, Readiness::Unready(Some(2 * SECOND)));
}

#[test]
fn a_slot_goes_to_another_call_once_its_lease_has_ended() {
    for reserves in [false, true] {
        let circuit = half_open();
        let lost = probe(&circuit, 1).expect("the first probe");
        assert!(probe(&circuit, 5).is_err());
        let next = if reserves {
            match circuit.reserve(epoch() + 6 * SECOND, || 0).readiness {
                Readiness::Held(permit) => permit,
                other => panic!("{other:?}"),
            }
        } else {
            probe(&circuit, 6).expect("the lease has ended")
        };
        // A replaced probe is not recorded, and frees no slot.
        assert!(!settle(&circuit, lost, Outcome::Success, 7));
        assert_eq!(circuit.state(), CircuitState::HalfOpen);
        assert!(probe(&circuit, 8).is_err());
        assert!(settle(&circuit, next, Outcome::Success, 8));
        assert_eq!(circuit.state(), CircuitState::Closed);
    }
}
