//! The metrics and events of a deadline.
use buttress_core::Reason;
use buttress_metrics::names::{self, Kind};
use buttress_metrics::{DeadlineEvent, DeadlineSignals, Phase};
use metrics::with_local_recorder;
use metrics_util::debugging::DebuggingRecorder;

use crate::common::Recorded;

#[test]
fn each_event_increments_its_counter_once() {
    for (event, what, labels) in [
        (
            DeadlineEvent::Exceeded(Phase::BodyEnd),
            "exceeded_total",
            "a body_end",
        ),
        (
            DeadlineEvent::Exceeded(Phase::BodyIdle),
            "exceeded_total",
            "a body_idle",
        ),
        (
            DeadlineEvent::Exceeded(Phase::Head),
            "exceeded_total",
            "a head",
        ),
        (
            DeadlineEvent::Rejected(Reason::DeadlineExpired),
            "rejections_total",
            "a deadline_expired",
        ),
        (
            DeadlineEvent::Rejected(Reason::DeadlineTooShort),
            "rejections_total",
            "a deadline_too_short",
        ),
        (
            DeadlineEvent::WouldReject(Reason::DeadlineExceeded),
            "would_reject_total",
            "a deadline_exceeded",
        ),
    ] {
        let recorder = DebuggingRecorder::new();
        with_local_recorder(&recorder, || DeadlineSignals::new("a".into()).emit(event));
        let recorded = Recorded::read(&recorder.snapshotter());
        let counters = names::ALL
            .iter()
            .filter(|metric| metric.kind == Kind::Counter);
        let counted: Vec<_> = counters
            .flat_map(|metric| {
                let series = recorded.nonzero(metric.name).into_iter();
                series.map(|(labels, value)| (metric.name, labels, value))
            })
            .collect();
        let name = format!("buttress_deadline_{what}");
        assert_eq!(counted, [(&*name, labels.to_owned(), 1.0)], "{event:?}");
    }
}

#[test]
fn series_start_at_zero_when_registered() {
    let recorder = DebuggingRecorder::new();
    with_local_recorder(&recorder, || DeadlineSignals::new("a".into()).register());
    let recorded = Recorded::read(&recorder.snapshotter());
    for (name, label) in [
        ("buttress_deadline_exceeded_total", "head"),
        ("buttress_deadline_rejections_total", "deadline_expired"),
        ("buttress_deadline_would_reject_total", "deadline_exceeded"),
    ] {
        assert_eq!(recorded.value(name, &["a", label]), Some(0.0), "{name}");
    }
}
