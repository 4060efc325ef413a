//! The metrics of an injector.
use buttress_core::chaos::{End, Suppressed};
use buttress_metrics::{ChaosEvent, ChaosSignals, Disarming};
use metrics::with_local_recorder;
use metrics_util::debugging::DebuggingRecorder;

use crate::common::Recorded;

const STRUCK: [ChaosEvent<'_>; 2] = [
    ChaosEvent::Struck,
    ChaosEvent::Injected {
        fault: "slow",
        kind: "delay",
    },
];
const ARMED: ChaosEvent<'_> = ChaosEvent::Armed { faults: 1, seed: 7 };

fn recorded(events: &[ChaosEvent<'_>]) -> Recorded {
    let recorder = DebuggingRecorder::new();
    with_local_recorder(&recorder, || {
        let signals = ChaosSignals::new("a".into());
        events.iter().for_each(|event| signals.emit(*event));
        Recorded::read(&recorder.snapshotter())
    })
}

#[test]
fn gauges_count_armed_plans_and_affected_calls() {
    let events: Vec<_> = [ARMED].into_iter().chain(STRUCK).collect();
    let during = recorded(&events);
    assert_eq!(during.value("buttress_chaos_armed", &["a"]), Some(1.0));
    assert_eq!(during.value("buttress_chaos_active", &["a"]), Some(1.0));

    let over = [
        ChaosEvent::Released,
        ChaosEvent::Disarmed(Disarming::Ended(End::Expired)),
    ];
    let after = recorded(&[events, over.to_vec()].concat());
    assert_eq!(after.value("buttress_chaos_armed", &["a"]), Some(0.0));
    assert_eq!(after.value("buttress_chaos_active", &["a"]), Some(0.0));
}

#[test]
fn faults_are_counted_by_kind_and_not_by_name() {
    let seen = recorded(&STRUCK);
    let faults = seen.nonzero("buttress_chaos_faults_total");
    assert_eq!(faults, [("a delay".to_owned(), 1.0)].into());
}

#[test]
fn suppressed_faults_are_counted_by_bound() {
    let seen = recorded(&[
        ChaosEvent::Suppressed(Suppressed::MaxActive),
        ChaosEvent::Suppressed(Suppressed::BlastRadius),
        ChaosEvent::Suppressed(Suppressed::MaxActive),
    ]);
    let suppressed = seen.nonzero("buttress_chaos_suppressed_total");
    let expected = [("a blast_radius", 1.0), ("a max_active", 2.0)];
    assert_eq!(suppressed, expected.map(|(k, v)| (k.to_owned(), v)).into());
}
